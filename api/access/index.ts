import type { Endpoint } from '../endpoint.ts';
import { loginEndpoints } from './login.ts';

/** Users, roles, permissions, tokens, login. */
export const accessEndpoints: readonly Endpoint[] = [...loginEndpoints];
