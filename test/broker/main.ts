/** A broker as a process of its own: `main.ts PORT`, 0 for any; says where it listens. */
import { createServer } from "node:net";
import { Aedes } from "aedes";

async function main(): Promise<void> {
  const broker = await Aedes.createBroker();
  const server = createServer({ noDelay: true }, (socket) => broker.handle(socket));
  server.listen(Number(process.argv[2]), "127.0.0.1", () => {
    const address = server.address();
    console.log(`listening on ${typeof address === "object" ? address?.port : address}`);
  });
}

void main();
