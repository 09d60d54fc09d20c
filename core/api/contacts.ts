/** Where notifications go: the addresses of agents, of the pipeline and of the settings. Browser-safe. */
import { type Check, MAX_LINE, MAX_NAME, text, wrong } from './schema.ts';

/** Empty: none. */
export interface Contacts {
  adminEmail: string;
  whatsappPhone: string;
  slackWebhookUrl: string;
}

/** One mail address, or ''. */
const email: Check<string> = (value, name) => {
  const address = text(MAX_NAME)(value, name).trim();
  if (!address || /^[^\s@,;<>"]+@[^\s@,;<>"]+$/.test(address)) return address;
  return wrong(name, 'one mail address');
};

/** A number with its country code, or ''. Spaces, dashes and the like are removed. */
const phone: Check<string> = (value, name) => {
  const digits = text(MAX_NAME)(value, name).replace(/^whatsapp:/, '').replace(/[\s().-]/g, '');
  if (!digits || /^\+[1-9]\d{6,14}$/.test(digits)) return digits;
  return wrong(name, 'a phone number with its country code, e.g. +4915112345678');
};

/** An https address without a login in it, or ''. */
const webhook: Check<string> = (value, name) => {
  const address = text(MAX_LINE)(value, name).trim();
  if (!address) return address;
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol === 'https:' && !url.username && !url.password) return address;
  return wrong(name, 'an address that begins with https://');
};

export const contactChecks: { [K in keyof Contacts]: Check<string> } = {
  adminEmail: email,
  whatsappPhone: phone,
  slackWebhookUrl: webhook,
};
