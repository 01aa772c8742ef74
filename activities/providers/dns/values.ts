// Values of servers in the canonical form of Slipway.
import { valueOfPresentation } from './presentation.ts';

/** The canonical value of what a server holds; what does not parse stays as it is. */
export const valueOf = (type: string, content: string): string => valueOfPresentation(type, content);
