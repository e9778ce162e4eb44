/** Prefixes of the state bucket. Its lifecycle and the rights of functions and containers are told by them. */
export const LEDGER_PREFIX = 'ledger/';
export const STAGING_PREFIX = 'staging/';
