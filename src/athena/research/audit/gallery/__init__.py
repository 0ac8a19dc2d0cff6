"""A gallery of planted leaks, each beside its honest twin: what the audit must tell apart."""

from athena.research.audit.gallery._bars import gallery_world
from athena.research.audit.gallery._show import Shown, audit_gallery, specimens
from athena.research.audit.gallery._specimen import Specimen

__all__ = ["Shown", "Specimen", "audit_gallery", "gallery_world", "specimens"]
