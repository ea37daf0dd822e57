"""Documents that are written to do harm, a small one for each way that we know of.

`hostile_pdfs`, `hostile_pictures` and `hostile_books` hold them. Each is made when it is asked for.
"""


class Collection(dict):
    """Name to (file name, function that makes the document)."""

    def one(self, kind):
        """Adds the function under its own name."""

        def add(make):
            self[make.__name__] = (f"{make.__name__}.{kind}", make)
            return make

        return add

    def variants(self, kind, name, cases, make):
        """Adds one for each of the cases, which `make` is called with."""
        for case, argument in cases.items():
            self[f"{name}_{case}"] = (f"{name}_{case}.{kind}", lambda argument=argument: make(argument))
