import type { Endpoint } from '../operations/endpoint.ts';
import { authorizationEndpoints } from './authorizations.ts';
import { emailEndpoints } from './email.ts';
import { forgottenPasswordEndpoints } from './forgotten-password.ts';
import { loginCodeEndpoints } from './login-code.ts';
import { loginEndpoints } from './login.ts';
import { membershipEndpoints } from './memberships.ts';
import { objectGrantEndpoints } from './object-grants.ts';
import { resetPasswordEndpoints } from './reset-password.ts';
import { roleEndpoints } from './roles.ts';
import { secondFactorEndpoints } from './second-factor.ts';
import { sessionEndpoints } from './sessions.ts';
import { systemGrantEndpoints } from './system-grants.ts';
import { tokenEndpoints } from './tokens.ts';
import { userActionEndpoints } from './user-actions.ts';
import { userEndpoints } from './users.ts';

/** Users, roles, permissions, tokens, login. */
export const accessEndpoints: readonly Endpoint[] = [
  ...userEndpoints,
  ...userActionEndpoints,
  ...forgottenPasswordEndpoints,
  ...resetPasswordEndpoints,
  ...emailEndpoints,
  ...membershipEndpoints,
  ...roleEndpoints,
  ...objectGrantEndpoints,
  ...systemGrantEndpoints,
  ...authorizationEndpoints,
  ...tokenEndpoints,
  ...loginEndpoints,
  ...loginCodeEndpoints,
  ...secondFactorEndpoints,
  ...sessionEndpoints,
];
