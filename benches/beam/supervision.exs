# Trivial GenServers, named in a unique Registry, under one supervisor.
#   start         unnamed, under a DynamicSupervisor, one after another
#   start_named   the same, each registered before its start is acknowledged
#   terminate     DynamicSupervisor.terminate_child, one after another
#   stop          the supervisor with all n children, until every name is free
#   restart       one of a thousand children is killed, until its name leads to a successor that answers
#   storm         all n are killed at once, until all are back
#   rest_for_one  the first of ten under a Supervisor is killed, until all ten are new and answer

defmodule Children do
  import Bench, only: [next: 1]
  require Bench

  @limits [max_restarts: 1_000_000, max_seconds: 1]
  @kills 100

  def life(name, n, phase) do
    keys = for number <- 1..n, do: Bench.key(number)

    Bench.time("supervision", name, n, n, fn iterations ->
      Enum.sum(for _ <- 1..iterations, do: Bench.isolated(fn -> one_life(keys, phase) end))
    end)
  end

  defp one_life(keys, phase) do
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one)
    begun = Bench.now()

    pids =
      for key <- keys do
        {:ok, pid} = DynamicSupervisor.start_child(supervisor, spec(phase, key))
        pid
      end

    started = Bench.now()
    if phase == :terminate, do: for(pid <- pids, do: :ok = DynamicSupervisor.terminate_child(supervisor, pid))
    terminated = Bench.now()
    if phase == :stop, do: :ok = DynamicSupervisor.stop(supervisor, :normal, :infinity), else: kill(supervisor)
    Bench.wait_until(fn -> Registry.count(Names) == 0 end)
    stopped = Bench.now()

    case phase do
      phase when phase in [:start, :start_named] -> started - begun
      :terminate -> terminated - started
      :stop -> stopped - terminated
    end
  end

  # Its children die with it, and not in quadratic time.
  defp kill(supervisor) do
    Process.unlink(supervisor)
    Process.exit(supervisor, :kill)
  end

  defp spec(:start, _key), do: %{id: Child, start: {Child, :start_link, []}}
  defp spec(_named, key), do: Child.spec(Names, key)

  def restart(n) do
    {:ok, supervisor} = DynamicSupervisor.start_link([strategy: :one_for_one] ++ @limits)
    keys = Bench.keys(n)
    for at <- 1..n, do: {:ok, _} = DynamicSupervisor.start_child(supervisor, Child.spec(Names, elem(keys, at - 1)))
    Process.put(:x, 1)

    Bench.time("supervision", "restart", n, @kills, fn iterations ->
      start = Bench.now()
      Process.put(:x, kill_each(keys, n, Process.get(:x), iterations * @kills))
      Bench.now() - start
    end)

    stop(supervisor)
  end

  defp kill_each(_keys, _n, x, 0), do: x

  defp kill_each(keys, n, x, kills) do
    x = next(x)
    key = elem(keys, rem(x, n))
    old = pid(key)
    Process.exit(old, :kill)
    back(key, old)
    kill_each(keys, n, x, kills - 1)
  end

  def storm(n) do
    {:ok, supervisor} = DynamicSupervisor.start_link([strategy: :one_for_one] ++ @limits)
    keys = for number <- 1..n, do: Bench.key(number)
    for key <- keys, do: {:ok, _} = DynamicSupervisor.start_child(supervisor, Child.spec(Names, key))
    Bench.time("supervision", "storm", n, n, fn iterations -> Enum.sum(for _ <- 1..iterations, do: all_at_once(keys)) end)
    stop(supervisor)
  end

  defp all_at_once(keys) do
    victims = for key <- keys, do: {key, pid(key)}
    start = Bench.now()
    for {_key, pid} <- victims, do: Process.exit(pid, :kill)
    for {key, pid} <- victims, do: back(key, pid)
    Bench.now() - start
  end

  def rest_for_one(n) do
    keys = for number <- 1..n, do: Bench.key(number)
    {:ok, supervisor} = Supervisor.start_link(for(key <- keys, do: Child.spec(Names, key, key)), [strategy: :rest_for_one] ++ @limits)

    Bench.time("supervision", "rest_for_one", n, @kills, fn iterations ->
      Enum.sum(for _ <- 1..(iterations * @kills), do: the_first(keys))
    end)

    stop(supervisor)
  end

  defp the_first(keys) do
    old = for key <- keys, do: {key, pid(key)}
    start = Bench.now()
    Process.exit(elem(hd(old), 1), :kill)
    for {key, pid} <- old, do: back(key, pid)
    Bench.now() - start
  end

  defp pid(key) do
    [{pid, _}] = Registry.lookup(Names, key)
    pid
  end

  # Polls, yielding in between, as the Rust side does.
  defp back(key, old) do
    case Registry.lookup(Names, key) do
      [{new, _}] when new != old ->
        :pong = GenServer.call(new, :ping)

      _ ->
        :erlang.yield()
        back(key, old)
    end
  end

  defp stop(supervisor) do
    Supervisor.stop(supervisor, :normal, :infinity)
    Bench.wait_until(fn -> Registry.count(Names) == 0 end)
  end
end

Bench.setup()
{:ok, _} = Registry.start_link(keys: :unique, name: Names)
Children.life("start", 1_000, :start)
Children.life("terminate", 1_000, :terminate)
sizes = if Bench.quick?(), do: [1_000, 10_000], else: [1_000, 10_000, 100_000]
for n <- sizes, do: Children.life("start_named", n, :start_named)
# A DynamicSupervisor stops in quadratic time: a hundred thousand children take half a minute, so it is left out.
for n <- sizes, n < 100_000, do: Children.life("stop", n, :stop)
for run <- [&Children.restart/1, &Children.storm/1], do: Bench.isolated(fn -> run.(1_000) end)
Bench.isolated(fn -> Children.rest_for_one(10) end)
