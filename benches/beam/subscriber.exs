# A subscriber, and the rounds of events that are published to all of them.

defmodule TradeEvent do
  # As many fields and bytes as the event of the Rust side.
  defstruct [:trade_id, :last, :event_time, :symbol, :price, :quantity, :trade_time, :buyer_market_maker]

  # Built at run time, because a literal would not be copied by a send.
  def new do
    now = System.system_time(:millisecond)

    %TradeEvent{
      event_time: now,
      symbol: :binary.copy("BNBUSDT"),
      price: :binary.copy("0.00100000"),
      quantity: :binary.copy("100.00000000"),
      trade_time: now - 1,
      buyer_market_maker: true
    }
  end
end

defmodule Subscriber do
  use GenServer

  def start(topics, of_each) do
    done = :atomics.new(1, [])
    all = length(topics) * of_each

    for topic <- topics, _ <- 1..of_each do
      {:ok, _} = GenServer.start_link(Subscriber, {topic, %{next: 1, done: done, all: all, publisher: self()}})
    end

    Process.put(:published, 0)
    %{topics: topics}
  end

  @doc "Publishes `events` events to each topic and waits for the last subscriber, `rounds` times; the nanoseconds of it."
  def rounds(round, events, rounds) do
    event = TradeEvent.new()
    start = Bench.now()
    for _ <- 1..rounds, do: once(round, event, events)
    Bench.now() - start
  end

  defp once(%{topics: topics}, event, events) do
    first = Process.get(:published) + 1
    last = first + events - 1

    for number <- first..last, topic <- topics do
      event = %{event | trade_id: number, last: last}
      Registry.dispatch(Topics, topic, fn entries -> for {pid, _} <- entries, do: send(pid, event) end)
    end

    Process.put(:published, last)
    receive do: (:over -> :ok)
  end

  @impl true
  def init({topic, state}) do
    {:ok, _} = Registry.register(Topics, topic, nil)
    {:ok, state}
  end

  @impl true
  # Fails where an event is lost or overtaken.
  def handle_info(%TradeEvent{trade_id: next, last: last}, %{next: next} = state) do
    if next == last and rem(:atomics.add_get(state.done, 1, 1), state.all) == 0, do: send(state.publisher, :over)
    {:noreply, %{state | next: next + 1}}
  end
end
