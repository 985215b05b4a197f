-- name: subscribe
-- Takes a version of a Subscription in: ok, skip, many, none.
SELECT vault.subscribe($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)

-- name: unsubscribe
-- Forgets a Subscription that was deleted.
SELECT vault.unsubscribe($1, $2, $3)

-- name: new
-- Versions that were taken in and have no session yet.
SELECT slot, pid, version FROM vault.subscriptions_new($1)

-- name: begin
-- Gives a version the session that it is carried out with.
SELECT vault.subscription_begin($1, $2, $3, $4, $5)

-- name: subscriptions
-- What is to be told of.
SELECT slot, pid, version, session, wish, since FROM vault.subscriptions($1)

-- name: may_be_told
-- Those of some sessions that may be told of a version.
SELECT vault.may_be_told($1, $2, $3, $4, $5, $6)

-- name: note_event
-- Gives a version its number in a subscription; NULL when it has one.
SELECT vault.note_event($1, $2, $3, $4, $5, $6, $7, $8::text::"char", $9)

-- name: due
-- Takes what has something to do now.
SELECT slot, pid, version, org, channel, wish, status, failures, events, sent, is_over FROM vault.subscriptions_due($1, $2, $3)

-- name: told
-- Something was received; the status before and now.
SELECT before, status FROM vault.subscription_told($1, $2, $3, $4, $5, $6)

-- name: failed
-- Nothing was received; whether it was given up.
SELECT vault.subscription_failed($1, $2, $3, $4, $5, $6, $7)

-- name: over
-- A subscription has ended; false when it had before.
SELECT vault.subscription_over($1, $2, $3, $4, $5)

-- name: held
-- The worker is still at some subscriptions.
SELECT vault.subscriptions_held($1, $2, $3, $4)

-- name: let_go
-- The worker lets go of a subscription.
SELECT vault.subscription_let_go($1, $2, $3)

-- name: events
-- Events between two numbers, in order, each decided now.
SELECT number, slot, pid, version, rtype, op::text AS op, at, is_open FROM vault.subscription_events($1, $2, $3, $4, $5, $6)

-- name: state
-- How a subscription stands, for its unit; no row for another's.
SELECT version, status, error, channel, wish, events, sent, is_own FROM vault.subscription_state($1, $2, $3)

-- name: listed
-- Every subscription, for the operator.
SELECT slot, pid, unit, channel, status, error, events, sent, failures, next_at, until_at FROM vault.list_subscriptions()

-- name: resend
-- Sends again from a number.
SELECT vault.resend_subscription($1, $2, $3)

-- name: sweep
-- Throws away what was received a month ago; how many events.
SELECT vault.sweep_events()
