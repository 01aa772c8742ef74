// Messages of problems with requests for hosts, domains and certificates.

export const requestsProblems = {
  resource_approved: { en: 'the request is approved already', zh: '申请单已批准' },
  request_fulfilling: { en: 'the approved request is being fulfilled', zh: '申请单已批准' },
  resource_closed: { en: 'the request is closed', zh: '申请单已关闭' },
  resource_finished: { en: 'the request is finished', zh: '申请单已完成' },
  resource_rejected: { en: 'the request is rejected', zh: '申请单已拒绝' },
  resource_not_in_review: {
    en: 'the request is {status}, not wait_review',
    zh: '申请单状态为 {status}, 不在审批中',
  },
  not_approved: { en: 'the request is {status}, not approved', zh: '申请单状态为 {status}, 尚未批准' },
  no_failure: {
    en: 'no part of the request has failed, or it is still running',
    zh: '申请单没有失败的部分, 或仍在执行',
  },
  not_available_yet: {
    en: 'fulfilment of this kind of request is not available yet; close it, and provide the resource by hand',
    zh: '暂不支持交付此类申请; 请关闭申请单并手工处理',
  },
  asked_already: { en: 'request {id} asks for {what} already', zh: '申请单 {id} 已申请 {what}' },
  asked_by_another: {
    en: 'another open request asks for {what} already',
    zh: '另一个未完成的申请单已申请 {what}',
  },
} as const;
