import type { Migration } from 'kysely/migration';
import * as foundation from './0001_foundation.ts';
import * as auditRefusals from './0002_audit_refusals.ts';
import * as tools from './0003_tools.ts';
import * as passwordLinks from './0004_password_links.ts';
import * as auditVerifications from './0005_audit_verifications.ts';
import * as instances from './0006_instances.ts';
import * as applicationSearch from './0007_application_search.ts';
import * as deployLifecycle from './0008_deploy_lifecycle.ts';
import * as approvalPolicies from './0009_approval_policies.ts';
import * as deployTemplates from './0010_deploy_templates.ts';
import * as hostTasks from './0011_host_tasks.ts';
import * as hostImports from './0014_host_imports.ts';
import * as sharedLimits from './0015_shared_limits.ts';
import * as sessionsAndFactors from './0016_sessions_and_factors.ts';
import * as hostAddresses from './0017_host_addresses.ts';
import * as callsBefore from './0018_calls_before.ts';
import * as hostLocations from './0019_host_locations.ts';
import * as lists from './0020_lists.ts';
import * as hostSweeps from './0021_host_sweeps.ts';
import * as hostSearch from './0022_host_search.ts';
import * as taskPartials from './0023_task_partials.ts';
import * as outputEnds from './0025_output_ends.ts';
import * as processWaits from './0026_process_waits.ts';
import * as hostWays from './0029_host_ways.ts';
import * as recovery from './0031_recovery.ts';
import * as deletions from './0032_deletions.ts';
import * as policyMinLevel from './0033_policy_min_level.ts';
import * as commands from './0035_commands.ts';
import * as plans from './0036_plans.ts';
import * as rightsChannel from './0037_rights_channel.ts';
import * as trigrams from './0038_trigrams.ts';
import * as resourceRequests from './0039_resource_requests.ts';

/** Every migration by name, in order; a migration that has been released is never changed. */
export const migrations: Record<string, Migration> = {
  '0001_foundation': foundation,
  '0002_audit_refusals': auditRefusals,
  '0003_tools': tools,
  '0004_password_links': passwordLinks,
  '0005_audit_verifications': auditVerifications,
  '0006_instances': instances,
  '0007_application_search': applicationSearch,
  '0008_deploy_lifecycle': deployLifecycle,
  '0009_approval_policies': approvalPolicies,
  '0010_deploy_templates': deployTemplates,
  '0011_host_tasks': hostTasks,
  '0014_host_imports': hostImports,
  '0015_shared_limits': sharedLimits,
  '0016_sessions_and_factors': sessionsAndFactors,
  '0017_host_addresses': hostAddresses,
  '0018_calls_before': callsBefore,
  '0019_host_locations': hostLocations,
  '0020_lists': lists,
  '0021_host_sweeps': hostSweeps,
  '0022_host_search': hostSearch,
  '0023_task_partials': taskPartials,
  '0025_output_ends': outputEnds,
  '0026_process_waits': processWaits,
  '0029_host_ways': hostWays,
  '0031_recovery': recovery,
  '0032_deletions': deletions,
  '0033_policy_min_level': policyMinLevel,
  '0035_commands': commands,
  '0036_plans': plans,
  '0037_rights_channel': rightsChannel,
  '0038_trigrams': trigrams,
  '0039_resource_requests': resourceRequests,
};
