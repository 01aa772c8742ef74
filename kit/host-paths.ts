/** Pseudo-filesystems: `/proc/self/root`, for instance, is the whole machine. */
export const neverFollowed = ['/proc', '/sys', '/dev'];

/** Whether a path lies in a folder, as text. */
export const isIn = (path: string, root: string): boolean => path.startsWith(root.endsWith('/') ? root : `${root}/`);
