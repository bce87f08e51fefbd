"""What Griffe, which reads sources and docstrings for the reference, is to see in them."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ONE = re.compile(r"^Example:$", re.MULTILINE)


class Reference(griffe.Extension):
    """Finds the section of one example, and leaves out methods that do what those of a base class say."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Docstrings say `Example:` for one example; Griffe knows `Examples:` only."""
        if obj.docstring:
            obj.docstring.value = _ONE.sub("Examples:", obj.docstring.value)

    def on_attribute_instance(self, *, attr: griffe.Attribute, **_: Any) -> None:
        """A bare `ClassVar` is no argument of a dataclass; Griffe knows `ClassVar[...]` only."""
        if str(attr.annotation) == "ClassVar":
            attr.labels.discard("instance-attribute")

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """A method without a docstring is not shown."""
        for module in pkg.modules.values():
            if not module.is_alias:  # an import, which may lead back to the package itself
                self.on_package(pkg=module)
        for cls in pkg.classes.values():
            for name, member in cls.members.items():
                if any(name in base.members for base in cls.mro()):
                    member.docstring = None
