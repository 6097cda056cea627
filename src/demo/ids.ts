/** Ids of the sample data, by place: tenant (0 acme, 1 globex), conversation (1 …), number in it (0 …). */

const hex = (value: number, length: number) => value.toString(16).padStart(length, '0');
const digits = (value: number, length: number) => String(value).padStart(length, '0');

/** 24 hexadecimal digits, so that MongoDB can keep it as an ObjectId. */
export const messageId = (tenant: number, conversation: number, number: number): string =>
  `66${hex(tenant + 1, 2)}${hex(conversation, 4)}${hex(0, 8)}${hex(number, 8)}`;

/** Unique over all tenants: MongoDB keeps it as `_id`. */
export const attachmentId = (tenant: number, conversation: number, number: number, index: number): string =>
  `a-${tenant + 1}${digits(conversation, 3)}${digits(number, 4)}${index}`;

export const userId = (number: number): string => `u-${1000 + number}`;

export const conversationId = (number: number): string => `c-${100 + number}`;
