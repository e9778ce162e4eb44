/** What `doctor` finds. */
export interface Finding {
  /** `missing`: jobs cannot run; `warning`: they can, but not as well as they might. */
  verdict: 'good' | 'warning' | 'missing';
  what: string;
  detail: string;
  /** Present when there is something to do. */
  todo?: string;
}

export const good = (what: string, detail: string): Finding => ({ verdict: 'good', what, detail });
export const warning = (what: string, detail: string, todo: string): Finding => ({
  verdict: 'warning',
  what,
  detail,
  todo,
});
export const missing = (what: string, detail: string, todo: string): Finding => ({
  verdict: 'missing',
  what,
  detail,
  todo,
});
