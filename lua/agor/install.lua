-- Fetches the backend of this very version from where its releases are, when the user asks for it. What was fetched is used
-- only if its checksum is the one that this checkout names; whatever stands in the way, cargo builds it instead.

local build = require('agor.build')
local programs = require('agor.programs')

local M = {}

---Where releases are, unless `config.releases` says otherwise.
M.releases = 'https://github.com/agor-nvim/agor.nvim/releases/download'

---More than any backend has: a server that sends without an end is cut off.
local most_bytes = 200 * 1024 * 1024

local systems = { Linux = 'linux', Darwin = 'macos' }
local machines = { x86_64 = 'x86_64', aarch64 = 'aarch64', arm64 = 'aarch64' }

---The name that a release gives to the program for a machine.
---@param version string
---@param uname { sysname: string, machine: string }
---@return string|nil
function M.asset(version, uname)
  local system, machine = systems[uname.sysname], machines[uname.machine]
  if not system or not machine then
    return nil
  end
  return ('agor-nvim-%s-%s-%s'):format(version, machine, system)
end

---@param text string as `sha256sum` writes it; lines that begin with # are comments
---@param asset string
---@return string|nil sum 64 hexadecimal digits
function M.checksum(text, asset)
  for line in text:gmatch('[^\r\n]+') do
    local sum, name = line:match('^(%x+) [ *](.+)$')
    if sum and #sum == 64 and name == asset then
      return sum:lower()
    end
  end
end

---What names the checksum of a file, the first of these that there is.
---@param path string
---@return string[]|nil
local function summer(path)
  for _, command in ipairs({
    { 'sha256sum', '--', path },
    { 'shasum', '-a', '256', '--', path },
    { 'openssl', 'dgst', '-sha256', '-r', path },
  }) do
    if programs.find(command[1]) ~= '' then
      return command
    end
  end
end

---@param output string of one of them
---@return string|nil
function M.sum_of(output)
  for word in output:gmatch('%x+') do
    if #word == 64 then
      return word:lower()
    end
  end
end

---@param command string[]
---@param done fun(result: vim.SystemCompleted) called in the main loop
---@param stderr? fun(err: string|nil, chunk: string|nil)
local function run(command, done, stderr)
  -- In a directory of nobody's: with a `.` on PATH a project's program would be taken for them.
  local ok, err =
    pcall(vim.system, command, { text = true, stderr = stderr, cwd = '/' }, vim.schedule_wrap(done))
  if not ok then
    done({ code = 1, signal = 0, stdout = '', stderr = tostring(err) })
  end
end

---@param url string
---@param to string
---@param say fun(text: string)
---@param done fun(failed: string|nil)
local function fetch(url, to, say, done)
  local said = ''
  -- Neither a redirection nor a .curlrc (which only a first --disable keeps out) leads to what is not encrypted.
  -- stylua: ignore
  local command = {
    'curl', '--disable', '--fail', '--location', '--proto', '=https,file', '--proto-redir', '=https',
    '--connect-timeout', '20', '--speed-limit', '1000', '--speed-time', '30',
    '--max-filesize', tostring(most_bytes), '--progress-bar', '--output', to, '--', url,
  }
  run(command, function(result)
    if result.code == 0 then
      return done(nil)
    end
    done(vim.trim(said:match('curl: [^\r\n]*') or ('curl ended with code ' .. result.code)))
  end, function(_, chunk)
    said = (said .. (chunk or '')):sub(-2000)
    local percent = said:match('.*[^%d.](%d+)%.%d%%')
    if percent then
      say(('fetching the backend: %s %%'):format(percent))
    end
  end)
end

---@class agor.Install
---@field root string of the plugin
---@field version string
---@field protocol integer
---@field releases string
---@field uname { sysname: string, machine: string }

---@param path string
---@param sum string
---@param done fun(failed: string|nil)
local function verify(path, sum, done)
  local command = summer(path)
  if not command then
    return done('no program that computes SHA-256 checksums was found (sha256sum, shasum, openssl)')
  end
  run(command, function(result)
    local found = result.code == 0 and M.sum_of(result.stdout or '') or nil
    if found == sum then
      return done(nil)
    end
    done(
      ('what was fetched has the checksum %s and not %s, which this checkout names: it was thrown away'):format(
        found or 'of nothing',
        sum
      )
    )
  end)
end

---It runs here, and it is what the release says that it is.
---@param path string
---@param opts agor.Install
---@param done fun(failed: string|nil)
local function try(path, opts, done)
  vim.uv.fs_chmod(path, 493) -- 0755
  run({ path, '--version' }, function(result)
    local wanted = ('agor-nvim %s (protocol %d)'):format(opts.version, opts.protocol)
    local said = vim.trim(result.stdout or '')
    if result.code == 0 and said == wanted then
      return done(nil)
    end
    done(
      ('the fetched backend does not run here or is another one: it says "%s" and not "%s"'):format(
        (said ~= '' and said or vim.trim(result.stderr or '')):sub(1, 100),
        wanted
      )
    )
  end)
end

---@param opts agor.Install
---@param say fun(text: string)
---@param done fun(failed: string|nil, path: string|nil)
local function install(opts, say, done)
  local asset = M.asset(opts.version, opts.uname)
  if not asset then
    return done(
      ('there are no binaries for %s on %s'):format(opts.uname.sysname, opts.uname.machine)
    )
  end
  local file = io.open(opts.root .. '/checksums.txt')
  local sum = file and M.checksum(file:read('*a') or '', asset) or nil
  if file then
    file:close()
  end
  if not sum then
    return done(('this checkout names no checksum for %s, so it is no release of it'):format(asset))
  end
  if programs.find('curl') == '' then
    return done('curl, which fetches it, was not found')
  end
  local folder = opts.root .. '/bin'
  if not pcall(vim.fn.mkdir, folder, 'p') then
    return done(('the folder %s cannot be made'):format(folder))
  end
  local target = folder .. '/agor-nvim'
  local fresh = ('%s/.agor-nvim.%d.new'):format(folder, vim.uv.os_getpid())
  ---@param failed string|nil
  local function over(failed)
    if not failed then
      -- By rename: a running backend keeps its file.
      local ok, err = vim.uv.fs_rename(fresh, target)
      failed = not ok and ('%s could not be written: %s'):format(target, err) or nil
    end
    if failed then
      vim.uv.fs_unlink(fresh)
    end
    done(failed, not failed and target or nil)
  end
  local url = ('%s/v%s/%s'):format(opts.releases:gsub('/+$', ''), opts.version, asset)
  say('fetching ' .. url)
  fetch(url, fresh, say, function(failed)
    if failed then
      return over(('%s could not be fetched: %s'):format(url, failed))
    end
    say('comparing its checksum')
    verify(fresh, sum, function(differs)
      if differs then
        return over(differs)
      end
      try(fresh, opts, over)
    end)
  end)
end

---@param opts agor.Install
---@param say fun(text: string) progress, called in a fast context too
---@param done fun(err: string|nil, path: string|nil, instead: string|nil) once, in the main loop; `instead`: why it was
---built and not fetched
function M.run(opts, say, done)
  local foreign = build.foreign(opts.uname.sysname)
  if foreign then
    return done(foreign)
  end
  install(opts, say, function(failed, path)
    if not failed then
      return done(nil, path, nil)
    end
    say('building it instead: ' .. failed)
    build.run(say, function(err, built)
      local neither = 'the backend was neither fetched nor built: %s; and %s'
      done(err and neither:format(failed, err) or nil, built, failed)
    end, true)
  end)
end

return M
