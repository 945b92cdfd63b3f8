import { openSession } from "../../src/session/session";
import { os } from "../../src/smp/commands";
import type { SessionOptions } from "../../src/session/requests";
import type { RequestOptions, SmpSession } from "../../src/session/types";
import { afterParameters, ScriptedLink, type Script } from "./scripted-link";

/** A link whose session is open; `script` answers from then on. */
export async function opened(
  script: Script,
  options: SessionOptions = {},
): Promise<{ link: ScriptedLink; session: SmpSession }> {
  const link = new ScriptedLink(afterParameters(script));
  return { link, session: await openSession(link, options, new AbortController().signal) };
}

export function echo(session: SmpSession, d: string, options: RequestOptions = {}): Promise<{ r: string }> {
  return session.request(os.echo, { d }, options);
}
