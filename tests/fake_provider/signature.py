"""AWS Signature Version 4 as Bedrock checks it: botocore computes what the header should have said."""
import datetime
import hashlib
import re

from .protocols.base import Refused
from .settings import AWS_SECRET

HEADER = re.compile(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request, ?"
                    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")
SKEW_S = 300


def verify(request, keys):
    """`keys` has the ids of keys, beside others; their secret is the same."""
    said = HEADER.fullmatch(request.headers.get("authorization", ""))
    if not said:
        raise Refused("unauthenticated", "Missing Authentication Token")
    key_id, day, region, service, signed, signature = said.groups()
    if key_id not in keys:
        raise Refused("key_invalid", "The security token included in the request is invalid.")
    _check_time(request.headers.get("x-amz-date", ""), day)
    if service != "bedrock":
        raise Refused("bad_signature", f"Credential should be scoped to correct service: 'bedrock', not '{service}'.")
    names = signed.split(";")
    needed = {"host", "x-amz-date"} | {name for name in request.headers if name.startswith("x-amz-")}
    if not needed <= set(names) or names != sorted(names):
        raise Refused("bad_signature", f"SignedHeaders must be sorted and have {sorted(needed)}, and are {signed}")
    told = request.headers.get("x-amz-content-sha256")
    if told and told not in ("UNSIGNED-PAYLOAD", hashlib.sha256(request.body).hexdigest()):
        raise Refused("bad_signature", "The provided 'x-amz-content-sha256' header does not match what was computed.")
    if _signature(request, names, key_id, region, service) != signature:
        raise Refused("bad_signature", "The request signature we calculated does not match the signature you provided.")


def _check_time(text, day):
    try:
        when = datetime.datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        raise Refused("bad_signature", "X-Amz-Date is missing or no time") from None
    if text[:8] != day:
        raise Refused("bad_signature", "Date in Credential scope does not match X-Amz-Date")
    if abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()) > SKEW_S:
        raise Refused("bad_signature", f"Signature expired: {text}")


def _signature(request, names, key_id, region, service):
    # Loading botocore takes a fifth of a second, which only tests of Bedrock should pay.
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    headers = {name: request.headers[name] for name in names if name in request.headers}
    url = f"https://{request.headers.get('host', '')}{request.path}" + (f"?{request.query}" if request.query else "")
    wanted = AWSRequest(request.method, url, headers, request.body)
    wanted.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(key_id, AWS_SECRET), service, region)
    return signer.signature(signer.string_to_sign(wanted, signer.canonical_request(wanted)), wanted)
