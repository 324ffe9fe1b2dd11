"""The files of a template, encoded once for all its mails."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from campaigns.file_types import check_name, check_total, kind_of
from campaigns.mime_writing import Entity, file_entity
from campaigns.models import Template, TemplateFile
from fliptech_site.errors import InvalidInput


class Files(NamedTuple):
    """A template's files as pieces of mails."""

    #: Images that the HTML may show, by name.
    images: dict[str, Entity]
    content_ids: dict[str, str]
    attachments: tuple[Entity, ...]


def files_of(template: Template) -> Files:
    """Give a template's files, encoded once for each version of the template."""
    return _encoded(template.pk, template.updated_at)


def describe(file: TemplateFile, name: str, content: bytes) -> None:
    """Put an uploaded file into its row; its type is what the content says.

    Raises InvalidInput for a name or a kind that no mail should carry.
    """
    check_name(name)
    kind = kind_of(name, content)
    if file.is_inline and not kind.is_image:
        raise InvalidInput(f"{name!r} is no image: attach it instead of showing it.")
    file.name = name
    file.content_type = kind.content_type
    file.content = content
    file.size_bytes = len(content)


def read_upload(upload: UploadedFile[bytes]) -> bytes:
    """Give an upload's content; refuses what is too large before reading it."""
    check_total([upload.size or 0])
    content: bytes = upload.read()
    return content


def touch(template: Template) -> None:
    """Let all workers see that the template's files changed."""
    Template.objects.filter(pk=template.pk).update(updated_at=timezone.now())


# A few templates are in use at a time; each holds at most MAX_TOTAL_BYTES, encoded.
@lru_cache(maxsize=8)
def _encoded(template_id: int, _version: datetime) -> Files:
    return encode(TemplateFile.objects.filter(template=template_id))


def encode(files: Iterable[TemplateFile]) -> Files:
    """Give files as pieces of mails; those shown in the HTML have Content-IDs."""
    images, content_ids, attachments = {}, {}, []
    for file in files:
        content = bytes(file.content)
        if file.is_inline:
            # One per content, so that a mail program may keep it for the next mail.
            content_id = f"{sha256(content).hexdigest()[:24]}@inline"
            content_ids[file.name] = content_id
            images[file.name] = file_entity(
                file.name, file.content_type, content, content_id=content_id
            )
        else:
            attachments.append(file_entity(file.name, file.content_type, content))
    return Files(images, content_ids, tuple(attachments))
