"""A fake model provider: speaks Gemini, Bedrock Converse, OpenAI chat completions and Anthropic messages, over HTTP/1.1
and HTTP/2, in clear and with TLS, and is as slow, limited and moody as it is told to be.

When it is ready it prints one line of JSON: {"port", "tls_port", "control_port", "certificate"}. The control port
changes settings while it runs and shows the record of all calls; fake_provider/control.py lists what it takes. It ends
on SIGTERM or SIGINT, and when its standard input is closed where --until-eof is given.
"""
import argparse
import asyncio
import dataclasses
import json
import resource
import signal
import ssl
import subprocess
import sys
import tempfile
from pathlib import Path

from .control import Control
from .provider import Provider
from .settings import AWS_KEY_ID, AWS_SECRET, Settings
from .wire import Opening


def read_arguments():
    parser = argparse.ArgumentParser(
        prog="python -m fake_provider", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"Bedrock takes signatures of the access key {AWS_KEY_ID} with the secret {AWS_SECRET}.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="(127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="in clear (0: a free one)")
    parser.add_argument("--tls-port", type=int, default=0, help="with TLS (0: a free one)")
    parser.add_argument("--control-port", type=int, default=0, help="(0: a free one)")
    parser.add_argument("--until-eof", action="store_true",
                        help="end when standard input does: with whoever started it")
    for field in dataclasses.fields(Settings):
        _add_option(parser, field)
    arguments = parser.parse_args()
    try:
        known = {field.name: getattr(arguments, field.name) for field in dataclasses.fields(Settings)}
        return arguments, Settings(**{name: value for name, value in known.items() if value is not None})
    except ValueError as error:
        parser.error(str(error))


def _add_option(parser, field):
    name = "--" + field.name.replace("_", "-")
    text = field.metadata["help"]
    default = field.default_factory() if field.default is dataclasses.MISSING else field.default
    if isinstance(default, dict):
        parser.add_argument(name, metavar="MOOD=SHARE", action=_Shares, help=text)
    elif isinstance(default, list):
        parser.add_argument(name, metavar="WORD", nargs="*", help=f"{text} ({' '.join(default) or 'none named'})")
    elif isinstance(default, bool):
        parser.add_argument(name, action=argparse.BooleanOptionalAction, default=None,
                            help=f"{text} ({default})".lower())
    else:
        parser.add_argument(name, metavar="N" if isinstance(default, int) else "WORD", type=type(default),
                            help=f"{text} ({default if default != '' else 'none'})")


class _Shares(argparse.Action):
    def __call__(self, parser, namespace, text, option=None):
        shares = dict(getattr(namespace, self.dest) or {})
        for one in text.split(","):
            mood, _, share = one.partition("=")
            try:
                shares[mood] = float(share)
            except ValueError:
                parser.error(f"{option} takes MOOD=SHARE, for example 429=0.5, and not {one!r}")
        setattr(namespace, self.dest, shares)


def make_certificate(folder):
    """A certificate for this run, which is its own authority."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=fake provider", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key),
         "-out", str(certificate)],
        check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return certificate, context


def allow_many_connections():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def serve(arguments, settings, folder):
    certificate, context = make_certificate(folder)
    provider = Provider(settings)
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if arguments.until_eof:
        loop.add_reader(sys.stdin, over.set)

    async def listen(handler, port, tls=None):
        server = await loop.create_server(lambda: Opening(handler, tls is not None), arguments.host, port, ssl=tls,
                                          backlog=4096)
        return server.sockets[0].getsockname()[1]

    ready = {"port": await listen(provider, arguments.port),
             "tls_port": await listen(provider, arguments.tls_port, context),
             "control_port": await listen(Control(provider), arguments.control_port), "certificate": str(certificate)}
    print(json.dumps(ready), flush=True)
    await over.wait()


def main():
    arguments, settings = read_arguments()
    allow_many_connections()
    with tempfile.TemporaryDirectory(prefix="fake-provider-") as folder:
        asyncio.run(serve(arguments, settings, Path(folder)))


if __name__ == "__main__":
    main()
