-- Plugin managers that know of it run this after installing and updating (lazy.nvim does so in a coroutine).
-- From a shell: nvim -l build.lua

local here = debug.getinfo(1, 'S').source:sub(2)
local root = vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(here, ':p')))
local build = dofile(root .. '/lua/agor/build.lua')

local progress, finished, failed = 'building the backend', false, nil

build.run(function(text)
  progress = text
end, function(err)
  finished, failed = true, err
end)

local thread, is_main = coroutine.running()
if thread and not is_main then
  local shown
  while not finished do
    local news = progress ~= shown and progress or nil
    shown = progress
    ---@diagnostic disable-next-line: await-in-sync whoever runs this file in a coroutine wants it to yield
    if coroutine.yield(news) == 'abort' then
      error('agor: the build was given up', 0)
    end
  end
else
  vim.wait(3600 * 1000, function()
    return finished
  end, 100)
end
if failed or not finished then
  error('agor: ' .. (failed or 'the build took longer than an hour'), 0)
end
