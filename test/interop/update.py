"""A whole update with the Python library smpclient over UDP or a serial port: upload, test, reset, confirm."""

import asyncio
import sys

from smpclient import SMPClient
from smpclient.generics import success
from smpclient.mcuboot import ImageInfo, IMAGE_TLV
from smpclient.requests.image_management import ImageStatesRead, ImageStatesWrite
from smpclient.requests.os_management import EchoWrite, ResetWrite
from smpclient.transport.serial import SMPSerialTransport
from smpclient.transport.udp import SMPUDPTransport

POLLS = 40
POLL_S = 0.25


async def ask(client, request):
    answer = await client.request(request, timeout_s=2.0)
    if not success(answer):
        raise SystemExit(f"{type(request).__name__} was refused: {answer}")
    return answer


async def until_active(client, image_hash):
    for _ in range(POLLS):
        try:
            states = await client.request(ImageStatesRead(), timeout_s=POLL_S)
            if success(states) and any(image.active and image.hash == image_hash for image in states.images):
                return
        except (TimeoutError, asyncio.TimeoutError):
            pass
        await asyncio.sleep(POLL_S)
    raise SystemExit("the new image does not run")


async def update(address, file):
    image_hash = ImageInfo.load_file(file).get_tlv(IMAGE_TLV.SHA256).value
    transport = SMPSerialTransport() if address.startswith("/") else SMPUDPTransport()
    async with SMPClient(transport, address) as client:
        assert (await ask(client, EchoWrite(d="hello"))).r == "hello"
        with open(file, "rb") as firmware:
            async for offset in client.upload(firmware.read()):
                print("uploaded", offset)
        await ask(client, ImageStatesWrite(hash=image_hash, confirm=False))
        await ask(client, ResetWrite())
        await until_active(client, image_hash)
        await ask(client, ImageStatesWrite(confirm=True))


asyncio.run(update(*sys.argv[1:]))
