import type { AddressInfo, Server } from "node:net";
import { createServer, type RequestListener } from "node:http";
import type { FlowNode } from "../node-red";
import { pool, RunningFlow, tab } from "./flow";

interface Answer {
  readonly status: number;
  readonly body: {
    readonly devices?: { readonly device: string }[];
    readonly code?: string;
    readonly message?: string;
    readonly hint?: string;
  };
}

/** A runtime with the scan endpoint for each test of this suite, and the function that asks it. */
export function useScanEndpoint(
  nodes: readonly FlowNode[] = [pool()],
  begin: (flow: RunningFlow) => Promise<unknown> = async () => {},
): (body: unknown, signal?: AbortSignal) => Promise<Answer> {
  let flow: RunningFlow;
  let server: Server;
  let url: string;

  beforeEach(async () => {
    let admin: RequestListener | undefined;
    flow = await RunningFlow.load([tab, ...nodes], (RED) => {
      admin = (RED as { httpAdmin: RequestListener }).httpAdmin;
    });
    await begin(flow);
    server = createServer(admin).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/smp-dfu/scan`;
  });
  afterEach(async () => {
    await flow.end();
    await new Promise((resolve) => server.close(resolve));
  });

  return async (body: unknown, signal?: AbortSignal): Promise<Answer> => {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify(body),
      ...(signal && { signal }),
    });
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  };
}
