"""moto, with the one thing that it leaves out and docmill looks at: KMS says why it denies, and moto keeps that to itself.

Arguments are moto.server's."""
from moto.core.exceptions import JsonRESTError
from moto.kms.exceptions import AccessDeniedException
from moto.server import main


def explain(self, message):
    JsonRESTError.__init__(self, "AccessDeniedException", message)


AccessDeniedException.__init__ = explain

if __name__ == "__main__":
    main()
