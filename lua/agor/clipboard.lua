-- The clipboard's image, into a file of ours: which program reads it here, and how long such files are kept.
-- Knows programs and files; nothing waits for them, and nothing here knows sessions.

local M = {}

-- What the backend takes: agents refuse larger ones.
local most_bytes = 10 * 1024 * 1024
local patience_ms = 10000
-- Pasted images are kept as long as this, and as long as a draft names them.
local keep_s = 7 * 24 * 3600

local private_file = 384 -- 0600

---@class agor.ClipboardProgram
---@field program string
---@field known_as string for who looks for it
---@field types? string[] a command that lists what the clipboard has, one MIME type a line
---@field read fun(mime: string): string[] writes the image to stdout
---@field decode? fun(text: string): string what it wrote, if that is not the image itself

---@type agor.ClipboardProgram
local wayland = {
  program = 'wl-paste',
  known_as = 'wl-paste (package wl-clipboard)',
  types = { 'wl-paste', '--list-types' },
  read = function(mime)
    return { 'wl-paste', '--no-newline', '--type', mime }
  end,
}

---@type agor.ClipboardProgram
local x11 = {
  program = 'xclip',
  known_as = 'xclip',
  types = { 'xclip', '-selection', 'clipboard', '-t', 'TARGETS', '-o' },
  read = function(mime)
    return { 'xclip', '-selection', 'clipboard', '-t', mime, '-o' }
  end,
}

---@type agor.ClipboardProgram
local pngpaste = {
  program = 'pngpaste',
  known_as = 'pngpaste',
  read = function()
    return { 'pngpaste', '-' }
  end,
}

---@param hex string
---@return string
local function from_hex(hex)
  return (
    hex:gsub('%x%x', function(byte)
      return string.char(tonumber(byte, 16) --[[@as integer]])
    end)
  )
end

---@type agor.ClipboardProgram
local osascript = {
  program = 'osascript',
  known_as = 'osascript',
  read = function()
    return { 'osascript', '-e', 'get the clipboard as «class PNGf»' }
  end,
  -- The four letters of the class, then what every PNG begins with, in hexadecimal.
  decode = function(text)
    return from_hex(text:match('89504E47%x+') or '')
  end,
}

---@type agor.ClipboardProgram
local powershell = {
  program = 'powershell.exe',
  known_as = 'powershell.exe',
  read = function()
    local script = 'Add-Type -AssemblyName System.Windows.Forms,System.Drawing; '
      .. '$i = [System.Windows.Forms.Clipboard]::GetImage(); if ($i) { '
      .. '$m = New-Object System.IO.MemoryStream; '
      .. '$i.Save($m, [System.Drawing.Imaging.ImageFormat]::Png); '
      .. '[Convert]::ToBase64String($m.ToArray()) }'
    return { 'powershell.exe', '-NoProfile', '-NonInteractive', '-STA', '-Command', script }
  end,
  decode = function(text)
    local ok, bytes = pcall(vim.base64.decode, (text:gsub('%s', '')))
    return ok and bytes --[[@as string]] or ''
  end,
}

---The programs that could read a clipboard here, the likeliest first; none where there is no clipboard.
---@return agor.ClipboardProgram[]
local function candidates()
  local out = {}
  if vim.fn.has('mac') == 1 then
    return { pngpaste, osascript }
  end
  if vim.env.WAYLAND_DISPLAY then
    table.insert(out, wayland)
  end
  if vim.env.DISPLAY then
    table.insert(out, x11)
  end
  if vim.fn.has('wsl') == 1 or vim.env.WSL_DISTRO_NAME then
    table.insert(out, powershell)
  end
  return out
end

-- In the order in which they are asked for.
local mimes = { 'image/png', 'image/jpeg', 'image/webp', 'image/gif' }

---The ending of an image's file by its content; nil for what is none that agents take.
---@param bytes string
---@return string|nil
local function ending(bytes)
  if vim.startswith(bytes, '\137PNG\r\n\26\n') then
    return 'png'
  elseif vim.startswith(bytes, '\255\216\255') then
    return 'jpg'
  elseif vim.startswith(bytes, 'GIF8') then
    return 'gif'
  elseif bytes:sub(1, 4) == 'RIFF' and bytes:sub(9, 12) == 'WEBP' then
    return 'webp'
  end
end

---@return string
local function folder()
  return vim.fs.joinpath(vim.fn.stdpath('data') --[[@as string]], 'agor', 'images')
end

local count = 0

---@param bytes string
---@return string|nil path
---@return string|nil message
local function keep(bytes)
  local kind = ending(bytes)
  if not kind then
    return nil, 'the clipboard has no image that agents take: png, jpg, gif or webp'
  end
  count = count + 1
  local name = ('%s-%d-%d.%s'):format(os.date('%Y%m%d-%H%M%S'), vim.uv.os_getpid(), count, kind)
  local path = vim.fs.joinpath(folder(), name)
  local made = require('agor.regular').folder(folder())
  local fd, err = vim.uv.fs_open(path, 'wx', private_file)
  local written = fd and vim.uv.fs_write(fd, bytes)
  if fd then
    vim.uv.fs_close(fd)
  end
  if not made or written ~= #bytes then
    vim.uv.fs_unlink(path)
    return nil, ('the image cannot be kept in %s: %s'):format(folder(), err or 'the disk is full')
  end
  return path
end

---What a command writes, in the background.
---@param command string[]
---@param done fun(output: string|nil, why: string|nil)
local function run(command, done)
  local pieces, size, process = {}, 0, nil
  local function collect(_, data)
    size = size + #(data or '')
    if size <= 2 * most_bytes then
      table.insert(pieces, data)
    elseif process then
      process:kill('sigkill')
    end
  end
  local ok, started = pcall(
    vim.system,
    command,
    -- What is relative in PATH is not looked for in the project.
    { stdout = collect, timeout = patience_ms, cwd = '/' },
    function(exit)
      vim.schedule(function()
        if exit.code == 124 then
          done(nil, ('%s did not answer within %d s'):format(command[1], patience_ms / 1000))
        elseif size > 2 * most_bytes then
          done(
            nil,
            ('the image is larger than %d MiB: make it smaller'):format(most_bytes / 1024 / 1024)
          )
        else
          done(exit.code == 0 and table.concat(pieces) or nil)
        end
      end)
    end
  )
  if not ok then
    return done(nil, ('%s cannot be run: %s'):format(command[1], tostring(started)))
  end
  process = started
end

local none = 'the clipboard has no image'

---@param one agor.ClipboardProgram
---@param mime string
---@param done fun(path: string|nil, message: string|nil)
local function read(one, mime, done)
  run(one.read(mime), function(output, why)
    local bytes = output and one.decode and one.decode(output) or output or ''
    if bytes == '' then
      return done(nil, why or none)
    elseif #bytes > most_bytes then
      local text = 'the image is larger than %d MiB: make it smaller'
      return done(nil, text:format(most_bytes / 1024 / 1024))
    end
    done(keep(bytes))
  end)
end

---The clipboard's image as a file of ours. Returns at once.
---@param done fun(path: string|nil, message: string|nil)
function M.image(done)
  local programs = candidates()
  local found = vim.tbl_filter(function(one)
    return require('agor.programs').find(one.program) ~= ''
  end, programs)[1]
  if #programs == 0 then
    return done(nil, 'there is no clipboard here: name an image file, :Agor paste shot.png')
  elseif not found then
    local names = vim.tbl_map(function(one)
      return one.known_as
    end, programs)
    local text = 'nothing here can read an image from the clipboard: install %s, or name a file, '
      .. ':Agor paste shot.png'
    return done(nil, text:format(table.concat(names, ' or ')))
  elseif not found.types then
    return read(found, mimes[1], done)
  end
  run(found.types, function(output, why)
    local offered = vim.split(output or '', '%s+', { trimempty = true })
    for _, mime in ipairs(mimes) do
      if vim.list_contains(offered, mime) then
        return read(found, mime, done)
      end
    end
    done(nil, why or none)
  end)
end

local swept = false

---Removes pasted images that are old and in no draft; once, and never in the way.
function M.sweep()
  if swept then
    return
  end
  swept = true
  local dir = folder()
  local names = {}
  for name, kind in vim.fs.dir(dir) do
    local stat = kind == 'file' and vim.uv.fs_stat(vim.fs.joinpath(dir, name))
    if stat and os.time() - stat.mtime.sec > keep_s then
      table.insert(names, name)
    end
  end
  if #names == 0 then
    return
  end
  local drafts = require('agor.ui.drafts').text()
  for _, name in ipairs(names) do
    if not drafts:find(name, 1, true) then
      vim.uv.fs_unlink(vim.fs.joinpath(dir, name))
    end
  end
end

return M
