/** The mark, a face between focus brackets, and the name. */
export function Brand() {
  return (
    <span class="brand">
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <path
          class="brackets"
          d="M4 10V6.5A2.5 2.5 0 0 1 6.5 4H10M22 4h3.5A2.5 2.5 0 0 1 28 6.5V10M28 22v3.5a2.5 2.5 0 0 1-2.5 2.5H22M10 28H6.5A2.5 2.5 0 0 1 4 25.5V22"
        />
        <path
          class="person"
          d="M16 16.500a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM9 24.500c.6-3.6 3.4-5.5 7-5.500s6.4 1.9 7 5.500z"
        />
      </svg>
      Facepass
    </span>
  );
}
