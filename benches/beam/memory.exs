# Resident memory (VmRSS) by idle child under one DynamicSupervisor, in a fresh virtual machine for every figure: this one is
# started once for all, so it starts the others itself.

defmodule Memory do
  def weigh(name, n) do
    {:ok, _} = Registry.start_link(keys: :unique, name: Names)
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one)
    start(supervisor, name, 1..1_000)
    collect()
    before = resident()
    start(supervisor, name, 1_001..(1_000 + n))
    :timer.sleep(100)
    resident() - before
  end

  defp start(supervisor, name, numbers) do
    for number <- numbers, do: {:ok, _} = DynamicSupervisor.start_child(supervisor, spec(name, number))
  end

  defp spec("named", number), do: Child.spec(Names, Bench.key(number))
  defp spec("unnamed", _number), do: %{id: Child, start: {Child, :start_link, []}}

  defp collect, do: for(pid <- Process.list(), do: :erlang.garbage_collect(pid))

  defp resident do
    [_, kilobytes] = Regex.run(~r/VmRSS:\s+(\d+) kB/, File.read!("/proc/self/status"))
    String.to_integer(kilobytes) * 1024
  end

  def each do
    schedulers = :erlang.system_info(:schedulers_online)
    times = if Bench.quick?(), do: 1, else: 3

    for name <- ["unnamed", "named"], n <- [10_000, 100_000] do
      taken = for _ <- 1..times, do: beside(schedulers, name, n) / n
      Bench.emit("memory", name, n, "bytes", taken)
    end
  end

  defp beside(schedulers, name, n) do
    arguments = ["--erl", "+S #{schedulers}:#{schedulers} +P 1000000", "-r", "bench.exs", "memory.exs", name, "#{n}"]
    {printed, 0} = System.cmd("elixir", arguments)
    printed |> String.trim() |> String.to_integer()
  end
end

Bench.setup()

case System.argv() do
  [name, n] -> IO.puts(Memory.weigh(name, String.to_integer(n)))
  [] -> Memory.each()
end
