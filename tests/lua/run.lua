-- nvim -l tests/lua/run.lua [FILTER]: runs every test of the files beside it, or those whose `file: name` holds FILTER.
-- A test file returns a table of functions by name; a test fails by an error. The last line is "N passed, M failed".

local here = vim.fs.dirname(vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p'))
package.path = here .. '/?.lua;' .. package.path
vim.opt.runtimepath:prepend(vim.fs.dirname(vim.fs.dirname(here)))

local filter = _G.arg and _G.arg[1]
local passed, failed = 0, 0

local files = {}
for name, kind in vim.fs.dir(here) do
  if kind == 'file' and name:match('%.lua$') and name ~= 'run.lua' then
    table.insert(files, name)
  end
end
table.sort(files)

---@param name string
---@param err any
local function fail(name, err)
  failed = failed + 1
  io.stdout:write(('FAIL %s\n%s\n\n'):format(name, (tostring(err):gsub('\n', '\n  '))))
end

for _, file in ipairs(files) do
  local loaded, tests = pcall(dofile, here .. '/' .. file)
  if not loaded or type(tests) ~= 'table' then
    fail(file, loaded and 'returns no table of tests' or tests)
  else
    local names = vim.tbl_keys(tests)
    table.sort(names)
    for _, name in ipairs(names) do
      local full = file:gsub('%.lua$', '') .. ': ' .. name
      if not filter or full:find(filter, 1, true) then
        local ok, err = xpcall(tests[name], debug.traceback)
        if ok then
          passed = passed + 1
        else
          fail(full, err)
        end
      end
    end
  end
end

if passed + failed == 0 then
  fail('no test', 'no test matches ' .. tostring(filter))
end
io.stdout:write(('%d passed, %d failed\n'):format(passed, failed))
os.exit(failed == 0 and 0 or 1)
