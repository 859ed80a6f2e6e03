"""Following a job until nothing happens to it any more by itself, and Ctrl-C meanwhile."""

from collections.abc import Callable

from tools.jobs import show
from tools.jobs.api import Api
from tools.jobs.endings import INTERRUPTED, NoAnswer, Refused, Stop
from tools.jobs.job import Job
from tools.jobs.show import Screen

_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _SLOWER = 0.3, 3.0, 1.3

_UNTIL_TAKING_BACK_S = 60
"""Seconds in which the service should tell how far it is with taking back; it goes on with that in any case."""


def follow(api: Api, screen: Screen, job: Job, seen: Callable[[Job], Job]) -> Job:
    """A job once it is settled or waits for a confirmation; Ctrl-C asks whether to cancel it.

    Args:
        api: The service.
        screen: Where it is shown.
        seen: Is told of it each time that it is looked at.

    Raises:
        Stop: The service does not answer any more, or it was left running.
    """
    while True:
        try:
            return _follow(api, screen, job, seen)
        except KeyboardInterrupt:
            job = _interrupted(api, screen, job)
        except NoAnswer as error:
            raise NoAnswer(f"{error}\nThe job goes on there; watch it with\n{show.command('watch', job.id)}") from error


def _follow(api: Api, screen: Screen, job: Job, seen: Callable[[Job], Job]) -> Job:
    pause, patience = _FIRST_PAUSE_S, float(_UNTIL_TAKING_BACK_S)
    with show.watching(screen) as watched:
        while True:
            watched(seen(job))
            if job.is_settled or job.is_waiting or patience <= 0:
                return job
            if job.is_about_to_be_undone:
                patience -= pause
            api.pause(pause)
            before, job = job, api.job(job.id)
            # A new step may be a short one.
            pause = _FIRST_PAUSE_S if job.status != before.status else min(pause * _SLOWER, _LONGEST_PAUSE_S)


def _interrupted(api: Api, screen: Screen, job: Job) -> Job:
    """The job after somebody said what is to become of it."""
    left = Stop(f"The job goes on. Watch it with\n{show.command('watch', job.id)}", INTERRUPTED)
    if not screen.is_interactive:
        raise left
    try:
        if not screen.agrees("\nCancel the job, and take back what it has changed? (Ctrl-C again leaves it running)"):
            return job
        return api.cancel(job.id)
    except KeyboardInterrupt:
        raise left from None
    except Refused as refused:
        # It was faster.
        screen.say(str(refused))
        return api.job(job.id)
