import type { PasswordLinkKind } from '../../../db/access/password-links.ts';
import type { Language } from '../../../kit/messages/message.ts';
import type { Mail } from './send.ts';

interface Facts {
  username: string;
  link: string;
}

const texts: Record<PasswordLinkKind, Record<Language, (facts: Facts) => Omit<Mail, 'to'>>> = {
  reset: {
    en: ({ username, link }) => ({
      subject: 'Slipway: a new password',
      text: `Someone, probably you, has asked for a new password for the Slipway user ${username}.

Choose it here within 30 minutes; the link works once:
${link}

If it was not you, do nothing: your password stays as it is.
`,
    }),
    zh: ({ username, link }) => ({
      subject: 'Slipway: 重置密码',
      text: `有人(可能是您)请求重置 Slipway 用户 ${username} 的密码。

请在 30 分钟内通过以下链接设置新密码, 链接只能使用一次:
${link}

如果不是您本人操作, 请忽略此邮件, 您的密码不会改变。
`,
    }),
  },
  invitation: {
    en: ({ username, link }) => ({
      subject: 'Slipway: your account',
      text: `You have been given the Slipway user ${username}.

Choose your password here within 72 hours; the link works once:
${link}
`,
    }),
    zh: ({ username, link }) => ({
      subject: 'Slipway: 您的账号',
      text: `已为您创建 Slipway 用户 ${username}。

请在 72 小时内通过以下链接设置密码, 链接只能使用一次:
${link}
`,
    }),
  },
};

/** The mail with a link. */
export const passwordMail = (kind: PasswordLinkKind, language: Language, facts: Facts): Omit<Mail, 'to'> =>
  texts[kind][language](facts);
