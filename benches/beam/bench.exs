# What all families share: sampling, the lines of JSON, and the trivial child.

defmodule Bench do
  @moduledoc "Takes samples as the Rust report does: until a budget is used up, at least three and at most 21."

  # A quick run must fit the report's minute, together with everybody else.
  def quick?, do: System.get_env("BEAM_QUICK") == "1"

  # OTP logs every crash, which would dominate the figures of restarts.
  def setup, do: :logger.set_primary_config(:level, :none)

  def now, do: :erlang.monotonic_time(:nanosecond)

  @doc """
  Calls `sample.(iterations)`, which returns the nanoseconds that so many iterations took, until enough samples are taken;
  an iteration does the work of `units` units.
  """
  def time(family, name, n, units, sample) do
    {length, budget, most} = if quick?(), do: {10_000_000, 150_000_000, 9}, else: {30_000_000, 700_000_000, 21}
    {iterations, one} = calibrate(sample, 1, length)
    samples = div(budget, max(one, 1)) |> max(3) |> min(most)
    taken = for _ <- 1..samples, do: sample.(iterations) / (iterations * units)
    emit(family, name, n, "median_ns", taken)
  end

  defp calibrate(sample, iterations, length) do
    took = sample.(iterations)

    if took >= div(length, 2) do
      {iterations, took}
    else
      calibrate(sample, iterations * (div(length, max(took, 1)) |> max(2) |> min(16)), length)
    end
  end

  @doc "Prints what was measured."
  def emit(family, name, n, measure, taken) do
    contender = if :erlang.system_info(:schedulers_online) == 1, do: "elixir-1", else: "elixir"
    sorted = Enum.sort(taken)
    [low, median, high] = for share <- [0.25, 0.5, 0.75], do: decimal(quantile(sorted, share))

    IO.puts(
      ~s({"family":"#{family}","case":"#{name}","n":#{n},"contender":"#{contender}",) <>
        ~s("#{measure}":#{median},"quartiles":[#{low},#{high}],"lost":0.0})
    )
  end

  defp quantile(sorted, share) do
    at = share * (length(sorted) - 1)
    low = Enum.at(sorted, floor(at))
    low + (Enum.at(sorted, ceil(at)) - low) * (at - floor(at))
  end

  defp decimal(value), do: :erlang.float_to_binary(value / 1, decimals: 3)

  @doc "Runs `fun` in a process that then takes all it has linked with it."
  def isolated(fun) do
    {pid, ref} = spawn_monitor(fn -> exit({:isolated, fun.()}) end)

    receive do
      {:DOWN, ^ref, :process, ^pid, {:isolated, result}} -> result
      {:DOWN, ^ref, :process, ^pid, reason} -> raise "a workload crashed: #{inspect(reason)}"
    end
  end

  def wait_until(fun) do
    unless fun.() do
      :timer.sleep(1)
      wait_until(fun)
    end
  end

  @doc "Lehmer's generator: the targets of the Rust side, in its order."
  defmacro next(x), do: quote(do: rem(unquote(x) * 48_271, 2_147_483_647))

  def key(number), do: "SYM" <> String.pad_leading(Integer.to_string(number), 7, "0")
  def keys(n), do: List.to_tuple(for(number <- 1..n, do: key(number)))
end

defmodule Child do
  @moduledoc "Answers, and nothing else; its name is taken before its start is acknowledged."
  use GenServer

  def spec(registry, key, id \\ Child), do: %{id: id, start: {Child, :start_link, [registry, key]}}
  def via(registry, key), do: {:via, Registry, {registry, key}}
  def start_link(registry, key), do: GenServer.start_link(Child, nil, name: via(registry, key))
  def start_link, do: GenServer.start_link(Child, nil)

  @impl true
  def init(nil), do: {:ok, nil}

  @impl true
  def handle_call(:ping, _from, nil), do: {:reply, :pong, nil}
end
