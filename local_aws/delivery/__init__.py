"""What the embedded AWS delivers: EventBridge rules, EventBridge Scheduler and SNS subscriptions start targets."""
