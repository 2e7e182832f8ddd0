-- Run by `nvim -l`: what no type checker knows. Every function of Neovim's that the plugin names must exist in this
-- Neovim, each file begins with what it is for and is no longer than one can oversee, and the help must have no tag twice.

local root = vim.fn.fnamemodify(assert(arg[0]), ':p:h:h')
local version = vim.fn.execute('version'):match('NVIM v(%S+)')
local problems = {}
-- As tests/architecture.rs has it for Rust.
local MOST_LINES = 500

---@param path string
---@param number integer
---@param line string
local function check_line(path, number, line)
  ---@param what string
  local function report(what)
    local place = ('%s:%d'):format(path:sub(#root + 2), number)
    table.insert(problems, ('%s: %s does not exist in Neovim %s'):format(place, what, version))
  end
  local code = line:gsub('%-%-.*$', '')
  for name in code:gmatch('vim%.api%.(nvim_[%w_]+)') do
    if not vim.api[name] then
      report('vim.api.' .. name)
    end
  end
  for name in code:gmatch('vim%.fn%.([%w_]+)') do
    if vim.fn.exists('*' .. name) == 0 then
      report('vim.fn.' .. name)
    end
  end
  for name in code:gmatch('vim%.uv%.([%w_]+)') do
    if not vim.uv[name] then
      report('vim.uv.' .. name)
    end
  end
end

local files = 0
for _, folder in ipairs({ 'plugin', 'lua', 'scripts', 'tests/lua' }) do
  for _, path in ipairs(vim.fn.globpath(root .. '/' .. folder, '**/*.lua', true, true)) do
    files = files + 1
    local lines = vim.fn.readfile(path)
    if #lines > MOST_LINES then
      table.insert(
        problems,
        ('%s: %d lines: make it two files'):format(path:sub(#root + 2), #lines)
      )
    end
    if not vim.startswith(lines[1] or '', '--') then
      local text = '%s: does not begin with a comment that says what it knows'
      table.insert(problems, text:format(path:sub(#root + 2)))
    end
    for number, line in ipairs(lines) do
      check_line(path, number, line)
    end
  end
end

local seen = {}
for _, path in ipairs(vim.fn.globpath(root .. '/doc', '*.txt', true, true)) do
  for number, line in ipairs(vim.fn.readfile(path)) do
    for tag in line:gmatch('%*([^%s*|]+)%*') do
      if seen[tag] then
        local text = 'doc: the tag *%s* is there twice, at %s and line %d'
        table.insert(problems, text:format(tag, seen[tag], number))
      end
      seen[tag] = ('%s:%d'):format(vim.fs.basename(path), number)
    end
  end
end

for _, problem in ipairs(problems) do
  io.stderr:write(problem, '\n')
end
if #problems > 0 then
  os.exit(1)
end
print(('%d Lua files name only functions that Neovim %s has'):format(files, version))
