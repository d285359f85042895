-- Everything that the sandbox has answered. One file, one writer.

-- A payment by Holdline's key. Without an amount it is a tombstone: closed before it was created.
CREATE TABLE payment (
  payment TEXT PRIMARY KEY,
  state TEXT NOT NULL CHECK (state IN ('pending', 'captured', 'failed', 'closed')),
  amount INTEGER,
  currency TEXT,
  expires_ms INTEGER,
  description TEXT,
  notify_url TEXT,
  return_url TEXT,
  method TEXT,
  -- What was captured; 0 until then.
  captured INTEGER NOT NULL DEFAULT 0,
  -- This center's own number of it.
  reference TEXT NOT NULL,
  -- Who knows it may pay on the page.
  token TEXT NOT NULL,
  reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX payment_expiry ON payment (expires_ms) WHERE state = 'pending';

-- A refund by Holdline's key.
CREATE TABLE refund (
  refund TEXT PRIMARY KEY,
  payment TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'succeeded', 'failed')),
  amount INTEGER NOT NULL,
  currency TEXT NOT NULL,
  notify_url TEXT NOT NULL,
  reference TEXT NOT NULL,
  reason TEXT,
  -- When a pending one succeeds.
  due_ms INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX refund_of_payment ON refund (payment);
CREATE INDEX refund_due ON refund (due_ms) WHERE state = 'pending';

-- A callback that was not acknowledged yet; acknowledged ones are counted and gone. due_ms is NULL once it is given up.
CREATE TABLE callback (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL,
  url TEXT NOT NULL,
  body TEXT NOT NULL,
  -- 1: the next time it is sent, its signature is wrong.
  forged INTEGER NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER
) STRICT;
CREATE INDEX callback_due ON callback (due_ms) WHERE due_ms IS NOT NULL;

-- How often each switch of the mischief was drawn, and how often it did its work; and what became of callbacks.
CREATE TABLE tally (
  name TEXT PRIMARY KEY,
  drawn INTEGER NOT NULL DEFAULT 0,
  done INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Settings that outlive the process: secret, control_token, mischief.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
