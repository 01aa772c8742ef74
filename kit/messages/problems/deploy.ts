// Messages of problems with deploys.

export const deployProblems = {
  script_name_taken: { en: 'the script name exists already', zh: '脚本名称已存在' },
  script_language: { en: 'the language is not supported', zh: '语言不支持' },
  script_engine: { en: 'the script engine is not supported', zh: '脚本引擎不支持' },
  script_used: {
    en: 'the script is used by {n} {n:setting or template|settings or templates}',
    zh: '脚本被 {n} 个设置或模板使用',
  },
  credential_used: { en: 'the credential is used by {n} {n:repository|repositories}', zh: '凭证被 {n} 个仓库使用' },
  template_disabled: { en: 'the template is not enabled', zh: '模板未启用' },
  template_linked: { en: 'the template is linked by {n} {n:application|applications}', zh: '模板被 {n} 个应用关联' },
  template_not_linked: { en: 'the application is not linked to template {id}', zh: '应用未关联模板 {id}' },
  settings_disabled: { en: 'deploying is disabled in the deploy settings', zh: '部署设置未启用' },
  no_deploy_path: { en: 'the application has no deploy path', zh: '应用没有部署路径' },
  deploy_path_of: {
    en: 'application {application} is deployed to {other_path} on host {host}, so this one cannot be deployed to {path} there',
    zh: '应用 {application} 已部署在主机 {host} 的 {other_path}, 本应用不能部署到该主机的 {path}',
  },
  deploy_path_taken: {
    en: 'another application is deployed to {path} on host {host}, or to a folder in it or above it',
    zh: '另一个应用已部署在主机 {host} 的 {path}, 或其上级、下级目录',
  },
  linked_deploy_path_taken: {
    en: 'on a host of a linked application another application is deployed to {path}, or to a folder in it or above it',
    zh: '在某个关联应用的主机上, 另一个应用已部署在 {path}, 或其上级、下级目录',
  },
  no_instances: { en: 'the application has no instances', zh: '应用没有实例' },
  before_planned_time: {
    en: 'planned for {time}; start earlier with force',
    zh: '计划执行时间为 {time}; 提前开始需要 force',
  },
  frozen: {
    en: 'freeze {id} is in force until {until}; start with override',
    zh: '冻结 {id} 在 {until} 之前生效; 请使用 override 开始',
  },
  another_running: { en: 'deploy task {id} of this application is running', zh: '该应用的发布任务 {id} 正在运行' },
  sub_task_running: { en: 'sub-task {id} is running', zh: '子任务 {id} 正在运行' },
  not_running: { en: 'the deploy task is {status}, not running', zh: '发布任务状态为 {status}, 未在运行' },
  not_in_review: { en: 'the deploy task is {status}, not wait_review', zh: '发布任务状态为 {status}, 不在审批中' },
  plan_differs: {
    en: 'the plan has changed: its hash is now {present}; review it again',
    zh: '计划已变更: 当前哈希为 {present}; 请重新查看',
  },
  plan_unnamed: {
    en: 'the plan has changed: review it again, and send "plan_hash": "{present}" with your vote',
    zh: '计划已变更: 请重新查看, 并在投票时发送 "plan_hash": "{present}"',
  },
  plan_pending: { en: 'the plan is still being made: {reason}', zh: '计划尚未生成: {reason}' },
  back_to_review: {
    en: 'the plan has changed since approval; the task is back in review: {difference}',
    zh: '计划在批准后已变更; 任务已退回审批: {difference}',
  },
  approval_gone: {
    en: 'the approval no longer holds; the task is back in review: {reason}',
    zh: '审批已失效; 任务已退回审批: {reason}',
  },
  version_differs: { en: 'the version of this task is {version}', zh: '该任务的版本为 {version}' },
  package_differs: {
    en: 'this is not the package that was approved: {expected}',
    zh: '不是已批准的安装包: {expected}',
  },
  instance_unplanned: {
    en: 'not in the plan that was approved: instances {instances}',
    zh: '不在已批准的计划中: 实例 {instances}',
  },
  machine_differs: {
    en: 'host {name} is not the machine in the plan: it was {planned}, and is now {now}',
    zh: '主机 {name} 不是计划中的机器: 计划中为 {planned}, 现为 {now}',
  },
  package_unread: { en: 'the package cannot be read: {reason}', zh: '无法读取安装包: {reason}' },
  release_not_kept: {
    en: 'version {version} is not kept; kept versions: {kept}',
    zh: '版本 {version} 未保留; 已保留: {kept}',
  },
  not_rolling: { en: 'the deploy task has no rolling strategy', zh: '该发布任务不是滚动发布' },
  already_paused: { en: 'the deploy task is already paused', zh: '发布任务已暂停' },
  not_paused: { en: 'the deploy task is not paused', zh: '发布任务未暂停' },
  nothing_failed: { en: 'no instance of sub-task {id} has failed', zh: '子任务 {id} 没有失败的实例' },
  freeze_over: { en: 'the freeze is already over', zh: '冻结期已结束' },
  workflow_lost: {
    en: 'its workflow no longer exists in the engine, so nothing can be decided',
    zh: '工作流已丢失; 无法继续操作',
  },
} as const;
