"""A check of our own: an answer is never an internal error, wherever a 500 is documented for another reason."""
import schemathesis


@schemathesis.check
def no_internal_error(ctx, response, case):
    if response.status_code == 500 and response.json().get("error_code") == 10000:
        raise AssertionError(f"internal error: {response.text}")
