"""One process of the service: its model, its threads and its figures, behind no protocol yet."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from dagmm._core.errors import DAGMMError
from dagmm.serve.answers import ANSWERS, Answer, Call
from dagmm.serve.errors import RequestError
from dagmm.serve.exchange import Exchange
from dagmm.serve.figures import Figures
from dagmm.serve.limits import Slots
from dagmm.serve.model import ModelHolder
from dagmm.serve.settings import Settings

#: Seconds between two times at which figures are left for other processes.
_PUBLISH_SECONDS = 1.0


class Service:
    """One process of the service.

    Parameters
    ----------
    settings : Settings

    Attributes
    ----------
    holder : ModelHolder
    figures : Figures
    exchange : Exchange
    slots : Slots
    began : float
        When, in seconds since 1970.

    Raises
    ------
    ModelFileError, ArgumentError
        As :class:`ModelHolder`.
    """

    def __init__(self, settings: Settings) -> None:
        limits = settings.limits
        self.settings, self.began = settings, time.time()
        self.holder = ModelHolder(settings.model, settings.name, limits.columns)
        self.figures = Figures()
        self.exchange = Exchange(self.figures, settings.exchange)
        self.slots = Slots(limits.threads + limits.queue)
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="scoring")

    async def answer(self, endpoint: str, call: Call) -> Answer:
        """Answer a request in a thread. It needs a slot, which is free when the thread is done.

        Raises
        ------
        RequestError
            If it is refused, or takes too long.
        """
        future = self._pool.submit(self._answered, endpoint, call)
        future.add_done_callback(lambda _: self.slots.free())
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), call.deadline.left)
        except TimeoutError:
            raise call.deadline.error() from None

    def _answered(self, endpoint: str, call: Call) -> Answer:
        call.deadline.check()
        try:
            answer = ANSWERS[endpoint](call)
        except DAGMMError as error:
            raise RequestError(400, str(error)) from error
        if answer.tally is not None:
            self.figures.scored(answer.tally)
            self.figures.drift.scored(call.served, answer.tally.energy)
        return answer

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look for another model and leave figures meanwhile; at the end wait for the threads."""
        tasks = [asyncio.create_task(self._publish())]
        if self.settings.reload_seconds is not None:
            tasks.append(asyncio.create_task(self._renew(self.settings.reload_seconds)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(self._pool.shutdown)
            self.exchange.publish()

    async def _renew(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            # Loading takes long: requests are answered by the model before, until it is whole.
            await asyncio.to_thread(self.holder.renew)
            self.figures.reloads = self.holder.reloads
            self.figures.reload_failures = self.holder.failures

    async def _publish(self) -> None:
        while True:
            await asyncio.to_thread(self.exchange.publish)
            await asyncio.sleep(_PUBLISH_SECONDS)
