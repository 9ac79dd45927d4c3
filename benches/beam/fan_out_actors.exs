# One publisher, n GenServers that subscribe to one topic: a Registry with duplicate keys and its dispatch, which is what
# Phoenix.PubSub does on one node. burst: up to 1 000 events back to back; ticks: 20; paced: 1; a round is over when the last
# subscriber has handled the last event, and every subscriber checks that events come in order.
Code.require_file("subscriber.exs", __DIR__)

Bench.setup()
{:ok, _} = Registry.start_link(keys: :duplicate, name: Topics)

for {name, events} <- [{"burst", 1_000}, {"ticks", 20}, {"paced", 1}], n <- [1, 10, 100, 1_000, 10_000] do
  events = min(events, div(2_000_000, n))

  Bench.isolated(fn ->
    round = Subscriber.start(["TRADE_EVENTS:BNBUSDT"], n)
    Bench.time("fan_out_actors", name, n, events * n, &Subscriber.rounds(round, events, &1))
  end)

  Bench.wait_until(fn -> Registry.count(Topics) == 0 end)
end
