-- Builds the backend with cargo, beside Neovim's own work. Stands alone: build.lua runs it before the plugin is loaded.

local M = {}

---@return string
local function plugin_root()
  local here = debug.getinfo(1, 'S').source:sub(2)
  return vim.fs.dirname(
    vim.fs.dirname(vim.fs.dirname(vim.fs.normalize(vim.fn.fnamemodify(here, ':p'))))
  )
end

---@param text string
---@return number[]|nil
local function version(text)
  local found = vim.version.parse(text:match('%d+%.%d+[%d.]*') or '', { strict = false })
  return found and { found.major, found.minor, found.patch } or nil
end

---@param have number[]
---@param need number[]
---@return boolean
local function reaches(have, need)
  for i = 1, 3 do
    if have[i] ~= need[i] then
      return have[i] > need[i]
    end
  end
  return true
end

---The Rust version that the crate needs.
---@param root string
---@return string
function M.needed(root)
  local file = io.open(root .. '/Cargo.toml')
  local text = file and file:read('*a') or ''
  if file then
    file:close()
  end
  return text:match('\nrust%-version%s*=%s*"([%d.]+)"') or '1.89'
end

---Where the backend cannot run, that sentence: nothing is worth fetching or building there.
---@param sysname string as libuv names the system
---@return string|nil
function M.foreign(sysname)
  if sysname == 'Windows_NT' then
    return 'agor runs on Linux and macOS, and Windows itself is not supported: run Neovim in WSL, which is, and install agor there'
  end
end

---What speaks against building, in a sentence.
---@param root string
---@param answer string|nil what `cargo --version` printed; nil without a cargo
---@param fetched? boolean that a release cannot be fetched is known: it is no way out
---@return string|nil
function M.objection(root, answer, fetched)
  local foreign = M.foreign(vim.uv.os_uname().sysname)
  if foreign then
    return foreign
  end
  local needed = M.needed(root)
  if not answer then
    return ('building the backend needs cargo, the Rust build tool, in version %s or newer, and there is none on PATH: install Rust, then :Agor build%s'):format(
      needed,
      fetched and '' or ', or fetch a release with :Agor install'
    )
  end
  local have = version(answer)
  if
    not have or not reaches(have, version(needed) --[[@as number[] ]])
  then
    local shown = vim.trim(answer):match('%d[%w.+-]*') or vim.trim(answer)
    return ('building the backend needs Rust %s or newer, and cargo is %s: run `rustup update`, then :Agor build'):format(
      needed,
      shown
    )
  end
  return nil
end

---@param from string
---@param to string
---@return string|nil message
local function put(from, to)
  local folder = vim.fs.dirname(to)
  local made, why = pcall(vim.fn.mkdir, folder, 'p')
  if not made then
    return ('the backend is built, but the folder %s cannot be made: %s. Once it can, run :Agor build again'):format(
      folder,
      vim.trim((tostring(why):gsub('^.*:', '')))
    )
  end
  local beside = ('%s.%d.new'):format(to, vim.uv.os_getpid())
  local ok, err = vim.uv.fs_copyfile(from, beside)
  if ok then
    vim.uv.fs_chmod(beside, 493) -- 0755
    -- By rename: a running backend keeps its file.
    ok, err = vim.uv.fs_rename(beside, to)
  end
  if not ok then
    vim.uv.fs_unlink(beside)
    return ('the backend is built, but %s could not be written: %s'):format(to, err)
  end
end

---@param output string[]
---@return string
local function first_error(output)
  for _, line in ipairs(output) do
    if line:match('^error') then
      return line
    end
  end
  return output[#output] or 'cargo said nothing'
end

---@param root string
---@param output string[]
---@return string|nil path of the file that has it all
local function keep(root, output)
  local regular = require('agor.regular')
  local dir = vim.fs.joinpath(vim.fn.stdpath('state') --[[@as string]], 'agor')
  local path = dir .. '/build.log'
  local fd = regular.folder(dir) and regular.open(path, 'w')
  if not fd then
    return nil
  end
  local text = table.concat(vim.list_extend({ 'cargo build in ' .. root }, output), '\n') .. '\n'
  local ok = vim.uv.fs_write(fd, text) == #text
  vim.uv.fs_close(fd)
  return ok and path or nil
end

---@param root string
---@param say fun(text: string)
---@param done fun(err: string|nil, path: string|nil)
local function compile(root, say, done)
  local output, rest = {}, ''
  local function take(_, chunk)
    if not chunk then
      return
    end
    rest = rest .. chunk
    for line in rest:gmatch('([^\r\n]*)[\r\n]') do
      line = line:gsub('\27%[[%d;]*%a', ''):gsub('%s+$', '')
      local step = line:match('(%d+/%d+)')
      if line:match('^%s*Building%s') and step then
        say('building the backend: ' .. step)
      elseif line ~= '' then
        table.insert(output, line)
        if line:match('^%s+%u%l+ing ') then
          say('building the backend: ' .. vim.trim(line))
        end
      end
    end
    rest = rest:match('[^\r\n]*$') or ''
  end
  local command = { 'cargo', 'build', '--release', '--locked', '--target-dir', root .. '/target' }
  local ok, err = pcall(
    vim.system,
    command,
    {
      cwd = root,
      text = true,
      stdout = false,
      stderr = take,
      env = {
        CARGO_TERM_PROGRESS_WHEN = 'always',
        CARGO_TERM_PROGRESS_WIDTH = '100',
        CARGO_TERM_COLOR = 'never',
      },
    },
    vim.schedule_wrap(function(result)
      take(nil, '\n')
      if result.code ~= 0 then
        local log = keep(root, output)
        return done(
          ('the backend could not be built: %s%s'):format(
            first_error(output),
            log and ' (all of it: ' .. log .. ')' or ''
          )
        )
      end
      local target = root .. '/bin/agor-nvim'
      local failed = put(root .. '/target/release/agor-nvim', target)
      done(failed, not failed and target or nil)
    end)
  )
  if not ok then
    done('cargo could not be started: ' .. tostring(err))
  end
end

---@param say fun(text: string) progress, called in a fast context too
---@param done fun(err: string|nil, path: string|nil) called once, in the main loop
---@param fetched? boolean see `objection`
function M.run(say, done, fetched)
  local root = plugin_root()
  if vim.fn.executable('cargo') == 0 then
    return done(M.objection(root, nil, fetched))
  end
  vim.system(
    { 'cargo', '--version' },
    { cwd = root, text = true },
    vim.schedule_wrap(function(result)
      local answer = result.code == 0 and result.stdout or result.stderr
      local objection = M.objection(root, answer)
      if objection then
        return done(objection)
      end
      compile(root, say, done)
    end)
  )
end

return M
