# A thousand topics of ten GenServers each; the publisher goes round the topics. burst: ten times; ticks: once.
Code.require_file("subscriber.exs", __DIR__)

Bench.setup()
{:ok, _} = Registry.start_link(keys: :duplicate, name: Topics)
topics = for number <- 1..1_000, do: "TRADE_EVENTS:" <> Bench.key(number)

Bench.isolated(fn ->
  round = Subscriber.start(topics, 10)

  for {name, events} <- [{"burst", 10}, {"ticks", 1}] do
    Bench.time("topics", name, 1_000, events * 10_000, &Subscriber.rounds(round, events, &1))
  end
end)
