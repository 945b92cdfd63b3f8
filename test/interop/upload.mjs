// Uploads an image with this package, as it is built for its users, over UDP or a serial port.
const built = new URL("../../dist/src/index.js", import.meta.url).href;
const { createPool, inspectFirmware, openFirmware, TRANSPORTS, uploadFirmware } = (await import(built)).default;
const [address, file] = process.argv.slice(2);
const pool = createPool(address.startsWith("/") ? TRANSPORTS.serial() : TRANSPORTS.udp());
const source = await openFirmware(file);
try {
  const info = await inspectFirmware(source);
  await pool.use(address, { name: "upload" }, (device) =>
    uploadFirmware(device, source, info, { allowRecovery: true }),
  );
} catch (error) {
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  await source.close();
  await pool.close();
}
