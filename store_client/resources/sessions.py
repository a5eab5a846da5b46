"""Sessions of people, and the exchange that makes a caller somebody in an experiment."""

from store_client.resources.resource import Resource
from store_client.wire.calls import workers as calls
from store_client.wire.workers import EndSession, Exchange, Exchanged, Session, SignIn, SignInCode


class Sessions(Resource):
    """Calls about who is who in a deployment."""

    async def exchange(self, experiment_id: str | None = None, session: str | None = None) -> Exchanged:
        """A short-lived identity in an experiment: one's own, or (consoles) that of a session's operator."""
        answer: Exchanged = await self._send(calls.EXCHANGE, Exchange(experiment_id=experiment_id, session=session))
        return answer

    async def sign_in(self, code: str, browser: str | None = None) -> Session:
        answer: Session = await self._send(calls.SIGN_IN, SignIn(code=code, browser=browser))
        return answer

    async def end_session(self, session: str) -> None:
        await self._send(calls.END_SESSION, EndSession(session=session))

    async def create_sign_in_code(self) -> SignInCode:
        answer: SignInCode = await self._send(calls.CREATE_SIGN_IN_CODE)
        return answer
