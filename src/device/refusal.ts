/** How a request handler of the virtual device says no; the server puts it into the form that the client gets. */

/** What an application's hook answers instead of doing what was asked. */
export type HookAnswer = { readonly rc: number } | { readonly group: number; readonly rc: number };

/** An answer `{rc}` (SMP level), or `{err: {group, rc}}` when it names a group. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly rc: number;
  readonly group: number | undefined;
  /** The `rsn` text of builds with verbose errors. */
  readonly reason: string | undefined;
  /** What a v1 client gets, where a server does not follow the table of translations. */
  readonly v1Rc: number | undefined;

  constructor(code: { rc: number; group?: number; reason?: string | undefined; v1Rc?: number }) {
    super(`refused with ${code.group === undefined ? "" : `group ${code.group}, `}rc ${code.rc}`);
    this.rc = code.rc;
    this.group = code.group;
    this.reason = code.reason;
    this.v1Rc = code.v1Rc;
  }
}
