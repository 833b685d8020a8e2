# SPDX-License-Identifier: Apache-2.0
"""Refuse to start Glance where the images are not that its database has. Runs in Glance's image, before Glance starts.

The argument is ``lost`` if the operator has given the images up.
"""

from __future__ import annotations

import configparser
import pathlib
import sys

import sqlalchemy

CONFIG = pathlib.Path("/etc/glance/glance-api.conf")
IMAGES = pathlib.Path("/var/lib/glance/images")
_COUNT = "SELECT COUNT(DISTINCT image_id) FROM image_locations WHERE deleted = 0 AND value LIKE 'file://%'"


def count(url: str) -> int:
    """Return how many images the database at *url* has whose files are in the directory."""
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        return int(connection.execute(sqlalchemy.text(_COUNT)).scalar_one())


def refusal(images: int) -> str:
    """Return why Glance must not start without the files of so many images."""
    return (
        f"the database has {images} images, but this host has no directory of images yet: another host has them, or a backup. Set "
        "glance_group so that Glance stays on the host that it was on (a host that was added to the front of the group is now its first), "
        "or copy the directory images of Glance's volume (or of glance_shared_path) here, or restore a backup. If the images are lost, "
        "set glance_images_lost: true; then delete them, as servers cannot boot from them. Nothing was changed"
    )


def main() -> None:
    """End with an error if the images are elsewhere."""
    if IMAGES.is_dir() or sys.argv[1:] == ["lost"]:
        return
    config = configparser.RawConfigParser(strict=False)
    config.read(CONFIG)
    images = count(config["database"]["connection"])
    if images:
        sys.exit(refusal(images))


if __name__ == "__main__":
    main()
