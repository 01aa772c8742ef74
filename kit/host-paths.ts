/** Nothing below these is a file of its own: `/proc/self/root` is the whole machine. */
export const neverFollowed = ['/proc', '/sys', '/dev'];

/** Whether a path lies in a folder, as text. */
export const isIn = (path: string, root: string): boolean => path.startsWith(root.endsWith('/') ? root : `${root}/`);
