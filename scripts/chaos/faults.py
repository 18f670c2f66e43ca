"""What can go wrong between a lift and its counter. Each fault is done to a chain and is over when it returns."""

import random
import resource
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from edge_agent.errors import InputError
from scripts.chaos.chain import AGENT_ID, Chain
from scripts.chaos.link import Link

Fault = Callable[[Chain, random.Random], None]
MOMENT_S: Final = (0.05, 1.0)
"""How long what lasts, lasts: paho first tries again after a second, then ever more rarely."""
HOUR_S: Final = 3600.0


def _moment(chance: random.Random) -> None:
    time.sleep(chance.uniform(*MOMENT_S))


def broker_stopped(chain: Chain, chance: random.Random) -> None:
    """SIGTERM, then a new start."""
    chain.broker.stop()
    _moment(chance)
    chain.broker.start()


def broker_killed(chain: Chain, chance: random.Random) -> None:
    """SIGKILL, then a new start from the file it last wrote."""
    chain.broker.kill()
    _moment(chance)
    chain.broker.start()


def link_cut(chain: Chain, chance: random.Random) -> None:
    """Every connection of one side ends with what is under way, while lifts come fast."""
    _busy(chain, chance)
    _link(chain, chance).suffer("cut")


def link_slow(chain: Chain, chance: random.Random) -> None:
    """About 4 kB/s."""
    _for_a_moment(_link(chain, chance), "slow", chance)


def link_hole(chain: Chain, chance: random.Random) -> None:
    """Nothing passes though the connection stands; then it is cut."""
    link = _link(chain, chance)
    _for_a_moment(link, "hole", chance)
    link.suffer("cut")


def outage_of_an_hour(chain: Chain, chance: random.Random) -> None:
    """The agent's link is down while its clock runs an hour in 2 s: 36 buckets of lifts pile up."""
    chain.agent_link.suffer("down")
    for _ in range(40):
        chain.dials[0] += HOUR_S / 40
        time.sleep(0.05)
    chain.agent_link.heal()


def agent_killed(chain: Chain, chance: random.Random) -> None:
    """SIGKILL at any instant, while lifts come fast."""
    _busy(chain, chance)
    chain.kill_agent()
    chain.start_agent()


def bridge_killed(chain: Chain, chance: random.Random) -> None:
    """SIGKILL at any instant, while lifts come fast."""
    _busy(chain, chance)
    chain.kill_bridge()
    chain.start_bridge()


def disk_full(chain: Chain, chance: random.Random) -> None:
    """The outbox's disk has no free byte for a moment."""
    filler = chain.disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            _moment(chance)
    filler.unlink()


def disk_refuses(chain: Chain, chance: random.Random) -> None:
    """No file of the agent may grow for a moment (RLIMIT_FSIZE): every write at a file's end fails."""
    chain.supervise()
    process = chain.agent
    assert process is not None
    assert process.pid is not None
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    with suppress(ProcessLookupError):  # it was just starting, and refuses to start on such a disk
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, hard))
        _moment(chance)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))


def disk_read_only(chain: Chain, chance: random.Random) -> None:
    """The agent is killed and started on a disk that is read-only: it must refuse; then the disk is cured."""
    chain.kill_agent()
    subprocess.run(["mount", "-o", "remount,ro", chain.disk], check=True)
    try:
        chain.start_agent()
        assert chain.agent is not None
        chain.agent.join(60)
    finally:
        subprocess.run(["mount", "-o", "remount,rw", chain.disk], check=True)
    if chain.agent.exitcode != InputError.exit_code:
        raise AssertionError(f"on a read-only disk the agent ended with {chain.agent.exitcode}")
    chain.start_agent()


def outbox_damaged(chain: Chain, chance: random.Random) -> None:
    """Everything is delivered, the agent is killed, its file overwritten with noise: it starts with a new one."""
    chain.drain()
    chain.kill_agent()
    damaged = bytearray(chain.outbox.read_bytes())
    begin = chance.choice((0, chance.randrange(len(damaged))))
    damaged[begin : begin + 8192] = chance.randbytes(min(8192, len(damaged) - begin))
    chain.outbox.write_bytes(damaged)
    chain.start_agent()


def clock_jumps(chain: Chain, chance: random.Random) -> None:
    """The agent's clock is suddenly wrong, up to three days ahead or behind, from then on."""
    chain.dials[0] = chance.uniform(-3 * 86_400, 3 * 86_400)


def same_client_id(chain: Chain, chance: random.Random) -> None:
    """A second client with the agent's id takes the session over, and over again."""
    twin = Client(CallbackAPIVersion.VERSION2, client_id=AGENT_ID, protocol=MQTTv5)
    twin.reconnect_delay_set(1, 1)
    if chain.tls:
        twin.tls_set(ca_certs=str(chain.directory / "broker" / "ca.pem"))
    twin.connect_async("127.0.0.1", chain.broker.port)
    twin.loop_start()
    _moment(chance)
    twin.disconnect()
    twin.loop_stop()


def certificate_expired(chain: Chain, chance: random.Random) -> None:
    """The broker comes back with a certificate of the day before yesterday, then with a good one."""
    chain.renew_certificate(days=-1)
    time.sleep(1.0)
    _moment(chance)
    chain.renew_certificate(days=2)


EVERYWHERE: Final[tuple[Fault, ...]] = (
    broker_stopped,
    broker_killed,
    link_cut,
    link_slow,
    link_hole,
    outage_of_an_hour,
    agent_killed,
    bridge_killed,
    disk_refuses,
    outbox_damaged,
    clock_jumps,
    same_client_id,
)
ON_OWN_DISK: Final[tuple[Fault, ...]] = (disk_full, disk_read_only)
WITH_TLS: Final[tuple[Fault, ...]] = (certificate_expired,)


def possible(chain: Chain) -> tuple[Fault, ...]:
    """What can be done to this chain."""
    return EVERYWHERE + ON_OWN_DISK * chain.has_own_disk + WITH_TLS * chain.tls


def _link(chain: Chain, chance: random.Random) -> Link:
    return chance.choice((chain.agent_link, chain.bridge_link))


def _for_a_moment(link: Link, fault: str, chance: random.Random) -> None:
    link.suffer("slow" if fault == "slow" else "hole")
    _moment(chance)
    link.heal()


def _busy(chain: Chain, chance: random.Random) -> None:
    rate_hz, chain.dials[1] = chain.dials[1], 100.0
    time.sleep(chance.uniform(0.0, 0.3))
    chain.dials[1] = rate_hz
