# n GenServers, each under a name of its own in a unique Registry; targets are drawn by Lehmer's generator.
#   lookup    Registry.lookup of a name
#   call      GenServer.call through a :via tuple, which looks the name up every time
#   register  a fresh name is taken and given back while the n others stay

defmodule Names do
  import Bench, only: [next: 1]
  require Bench

  @operations 1_000

  def run(n) do
    {:ok, _} = Registry.start_link(keys: :unique, name: Names)
    keys = Bench.keys(n)
    for at <- 1..n, do: {:ok, _} = Child.start_link(Names, elem(keys, at - 1))
    vias = List.to_tuple(for at <- 1..n, do: Child.via(Names, elem(keys, at - 1)))
    time("lookup", n, fn x, count -> lookup(keys, n, x, count) end)
    time("call", n, fn x, count -> call(vias, n, x, count) end)
    time("register", n, fn x, count -> register(x, count) end)
  end

  defp time(name, n, operation) do
    Process.put(:x, 1)

    Bench.time("registry", name, n, @operations, fn iterations ->
      start = Bench.now()
      Process.put(:x, operation.(Process.get(:x), iterations * @operations))
      Bench.now() - start
    end)
  end

  defp lookup(_keys, _n, x, 0), do: x

  defp lookup(keys, n, x, count) do
    x = next(x)
    [{_, _}] = Registry.lookup(Names, elem(keys, rem(x, n)))
    lookup(keys, n, x, count - 1)
  end

  defp call(_vias, _n, x, 0), do: x

  defp call(vias, n, x, count) do
    x = next(x)
    :pong = GenServer.call(elem(vias, rem(x, n)), :ping)
    call(vias, n, x, count - 1)
  end

  defp register(x, 0), do: x

  defp register(x, count) do
    key = <<"fresh ", x::72>>
    {:ok, _} = Registry.register(Names, key, nil)
    :ok = Registry.unregister(Names, key)
    register(x + 1, count - 1)
  end
end

Bench.setup()

for n <- [1, 1_000, 100_000] do
  Bench.isolated(fn -> Names.run(n) end)
  Bench.wait_until(fn -> Process.whereis(Names) == nil end)
end
