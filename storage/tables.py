"""Every table there is: whoever looks at the database as a whole imports this."""

from __future__ import annotations

import storage.accounts
import storage.matrix
import storage.meetings
import storage.pool
import storage.staff
import storage.telegram
import storage.web_messages  # noqa: F401  # for the table that it adds
from storage.models import Base as Base
