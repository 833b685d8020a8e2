# SPDX-License-Identifier: Apache-2.0
"""Reads and writes a cache for some seconds and prints how long calls took: cache_client.py oslo|tokens CONFIG SECONDS."""

import json
import sys
import time
import typing as t


def oslo(path: str) -> t.Callable[[str], object]:
    from oslo_cache import core
    from oslo_config import cfg

    conf = cfg.ConfigOpts()
    core.configure(conf)
    conf(["--config-file", path])
    region = core.configure_cache_region(conf, core.create_region())

    def use(key: str) -> object:
        return region.get(key) or region.set(key, "x")

    return use


def tokens(path: str) -> t.Callable[[str], object]:
    """The cache of keystonemiddleware."""
    from keystonemiddleware import auth_token
    from oslo_config import cfg

    conf = cfg.ConfigOpts()
    conf(["--config-file", path])
    middleware = auth_token.AuthProtocol(None, {"oslo_config_config": conf})
    cache = middleware._token_cache
    cache.initialize({})

    def use(key: str) -> object:
        return cache.get(key) or cache.set(key, {"token": {}})

    return use


def main() -> None:
    use = {"oslo": oslo, "tokens": tokens}[sys.argv[1]](sys.argv[2])
    for number in range(200):
        use(f"k{number}")
    print("ready", flush=True)
    times, errors, number, end = [], set(), 0, time.monotonic() + float(sys.argv[3])
    while time.monotonic() < end:
        number += 1
        began = time.monotonic()
        try:
            use(f"k{number % 200}")
        except Exception as error:
            errors.add(f"{type(error).__name__}: {error}")
        times.append(time.monotonic() - began)
        time.sleep(0.01)
    print(json.dumps({"calls": number, "errors": sorted(errors), "slow": [round(taken, 2) for taken in times if taken > 0.25]}))


if __name__ == "__main__":
    main()
