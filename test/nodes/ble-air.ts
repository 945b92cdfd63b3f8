import { BleWorld } from "../transport/ble-fixture";

/**
 * A world of Bluetooth peripherals for each test of this suite. The nodes start the Bluetooth process as they always do; the
 * environment puts it into the test's air. Call it before what uses the world, so that this ends last.
 */
export function useBleWorld(): () => BleWorld {
  let world: BleWorld;
  let environment: NodeJS.ProcessEnv;
  beforeEach(() => {
    world = new BleWorld();
    environment = { ...process.env };
    const { execArgv, env } = world.air.options();
    Object.assign(process.env, env, { NODE_OPTIONS: execArgv!.join(" ") });
  });
  afterEach(async () => {
    await world.close();
    for (const name of Object.keys(process.env)) if (!(name in environment)) delete process.env[name];
    Object.assign(process.env, environment);
  });
  return () => world;
}
