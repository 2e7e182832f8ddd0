-- Checks the benchmark itself: the floor, and 200 ms of work in the editor every second. Its maximum must say so.
dofile(vim.env.BENCH_ROOT .. '/peers/floor.lua')
assert(vim.uv.new_timer()):start(
  3000,
  1000,
  vim.schedule_wrap(function()
    local start = os.clock()
    while os.clock() - start < 0.2 do
    end
  end)
)
