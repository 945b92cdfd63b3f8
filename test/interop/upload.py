"""Uploads an image with the Python library smpclient over UDP or a serial port."""

import asyncio
import sys

from smpclient import SMPClient
from smpclient.transport.serial import SMPSerialTransport
from smpclient.transport.udp import SMPUDPTransport


async def upload(address, file):
    transport = SMPSerialTransport() if address.startswith("/") else SMPUDPTransport()
    with open(file, "rb") as firmware:
        image = firmware.read()
    async with SMPClient(transport, address) as client:
        async for _ in client.upload(image):
            pass


asyncio.run(upload(*sys.argv[1:]))
